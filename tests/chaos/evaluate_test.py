#!/usr/bin/python3
"""The columns of the table, with literals."""
import unittest

from evaluate import busiest_second, evaluate


def connect(t, sid, n, recovered=False):
    return {"what": "connect", "t": t, "client": 0, "sid": sid, "recovered": recovered, "n": n}


def client(what, t, **more):
    return {"what": what, "t": t, "client": 0, **more}


def hello(t, sid, n, life=1):
    return {"what": "hello", "t": t, "life": life, "client": 0, "n": n, "sid": sid}


def push(n, sid, life=1):
    return {"what": "push", "t": n / 10, "life": life, "client": 0, "n": n, "sid": sid}


def heard(t, n, life=1):
    return client("push", t, life=life, n=n)


def note(n):
    return {"what": "note", "t": 1, "life": 1, "client": 0, "n": n}


class Notes(unittest.TestCase):
    def row(self, ends, delivered):
        said = [client("note", 1, n=n) for n in ends]
        return evaluate(said + [client("end", 2, n=n, how=how) for n, how in ends.items() if how], [note(n) for n in delivered], 0)

    def test_acked_and_delivered_is_once(self):
        row = self.row({1: "ack", 2: "ack"}, [1, 2])
        self.assertEqual((row.sent, row.once, row.out_of_order), (2, 2, 0))

    def test_error_and_fallback_tell(self):
        row = self.row({1: "error", 2: "fallback"}, [])
        self.assertEqual((row.told, row.silent), (2, 0))

    def test_an_ack_of_what_never_came_is_a_silent_loss_and_so_is_no_end_at_all(self):
        self.assertEqual(self.row({1: "ack", 2: None}, []).silent, 2)

    def test_told_and_yet_delivered_is_delivered_once(self):
        row = self.row({1: "error"}, [1])
        self.assertEqual((row.once, row.told, row.told_yet_delivered), (1, 0, 1))

    def test_a_second_delivery_is_a_duplicate_and_not_out_of_order(self):
        row = self.row({1: "ack", 2: "ack"}, [1, 2, 1])
        self.assertEqual((row.sent, row.once, row.duplicated, row.out_of_order), (2, 1, 1, 0))

    def test_a_lower_one_after_a_higher_one_is_out_of_order(self):
        row = self.row({1: "ack", 2: "ack", 3: "ack"}, [2, 3, 1])
        self.assertEqual((row.once, row.out_of_order), (3, 1))


class Hellos(unittest.TestCase):
    def test_one_that_is_said_again_has_been_told(self):
        row = evaluate([connect(1, "a", 1), client("disconnect", 2), connect(3, "b", 2)], [hello(3, "b", 2)], 0)
        self.assertEqual((row.once, row.told, row.silent, row.disconnects, row.fresh_sessions), (1, 1, 0, 1, 1))

    def test_one_that_nobody_heard_and_nothing_followed_is_lost_in_silence(self):
        self.assertEqual(evaluate([connect(1, "a", 1)], [], 0).silent, 1)


class Pushes(unittest.TestCase):
    """One hello that was delivered is in each count of `once`."""

    def test_a_gap_within_a_session_is_a_silent_loss_even_when_it_was_recovered(self):
        row = evaluate([connect(0, "a", 1), heard(1, 1), client("disconnect", 2), connect(3, "a", 2, True), heard(4, 3)],
                       [hello(0, "a", 1), hello(3, "a", 2), push(1, "a"), push(2, "a"), push(3, "a")], 0)
        self.assertEqual((row.once, row.silent, row.told), (4, 1, 0))

    def test_a_fresh_session_tells_what_the_last_one_lacks(self):
        row = evaluate([connect(0, "a", 1), heard(1, 1), client("disconnect", 2), connect(3, "b", 2), heard(4, 3)],
                       [hello(0, "a", 1), push(1, "a"), push(2, "a"), hello(3, "b", 2), push(3, "b")], 0)
        self.assertEqual((row.once, row.silent, row.told), (4, 0, 1))

    def test_a_gap_in_a_session_is_not_told_by_the_next_one(self):
        row = evaluate([connect(0, "a", 1), heard(1, 2), connect(3, "b", 2)],
                       [hello(0, "a", 1), push(1, "a"), push(2, "a"), hello(3, "b", 2)], 0)
        self.assertEqual((row.once, row.silent), (3, 1))

    def test_missing_at_the_end_is_a_silent_loss(self):
        row = evaluate([connect(0, "a", 1), heard(1, 1)], [hello(0, "a", 1), push(1, "a"), push(2, "a")], 0)
        self.assertEqual((row.once, row.silent), (2, 1))

    def test_what_was_emitted_just_before_the_app_was_killed_is_the_apps_own_and_anything_before_is_not(self):
        row = evaluate([connect(0, "a", 1), connect(2, "b", 2), heard(3, 1, 2)],
                       [hello(0, "a", 1), push(1, "a"), push(5, "a"), hello(2, "b", 2, 2), push(1, "b", 2)], 0, [0.6])
        self.assertEqual((row.once, row.silent, row.told, row.apps_own, row.sent), (3, 0, 1, 1, 5))

    def test_twice_is_a_duplicate_and_back_in_time_is_out_of_order(self):
        row = evaluate([connect(0, "a", 1), heard(1, 2), heard(2, 1), heard(3, 2)], [hello(0, "a", 1), push(1, "a"), push(2, "a")], 0)
        self.assertEqual((row.once, row.duplicated, row.out_of_order), (2, 1, 1))

    def test_an_earlier_life_after_a_later_one_is_out_of_order(self):
        row = evaluate([connect(0, "a", 1), heard(1, 1, 2), heard(2, 5, 1)], [hello(0, "a", 1), push(5, "a"), push(1, "a", 2)], 0)
        self.assertEqual(row.out_of_order, 1)


class Asks(unittest.TestCase):
    def row(self, answers, arrived, disconnects=(), tracked=None):
        return evaluate([client("ask", 1, id="x")] + [client("disconnect", t) for t in disconnects]
                        + [client("answer", 2, id="x", late=late) for late in answers],
                        [{"what": "ask", "t": 1, "life": 1, "id": "x"}] * arrived, 0, tracked=tracked)

    def test_once_twice_never(self):
        self.assertEqual(self.row([False], 1).asked_once, 1)
        self.assertEqual(self.row([True, False], 1).asked_twice, 1)
        self.assertEqual(self.row([], 1).asked_never, 1)

    def test_a_fallback_answers(self):
        row = self.row([True], 1)
        self.assertEqual((row.asked_once, row.fallbacks), (1, 1))

    def test_one_that_came_to_nobody_is_excused_by_a_disconnect_that_followed(self):
        self.assertEqual(self.row([], 0, [0.5]).asked_never, 1)
        row = self.row([], 0, [1.5])
        self.assertEqual((row.asked_never, row.asked_cut_off), (0, 1))

    def test_unless_the_proxy_had_it(self):
        row = self.row([], 0, [1.5], tracked=1)
        self.assertEqual((row.asked_never, row.asked_cut_off), (1, 0))


class Back(unittest.TestCase):
    def test_the_first_ack_of_something_said_since_and_the_first_push(self):
        facts = [client("note", 9, n=1), client("end", 11, n=1, how="ack"), client("note", 12, n=2), heard(12.5, 1),
                 client("end", 13, n=2, how="ack"), client("note", 14, n=3), client("end", 15, n=3, how="ack")]
        self.assertEqual(evaluate(facts, [], 10).back_after, 3)

    def test_without_a_push_it_is_not_back(self):
        self.assertIsNone(evaluate([client("note", 12, n=2), client("end", 13, n=2, how="ack")], [], 10).back_after)


class Connects(unittest.TestCase):
    def test_the_busiest_second_begins_anywhere(self):
        self.assertEqual(busiest_second([0.0, 0.9, 1.0, 1.5, 1.8, 2.6]), 4)
        self.assertEqual(busiest_second([]), 0)


if __name__ == "__main__":
    unittest.main()
