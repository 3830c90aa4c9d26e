"""Groups H (HTTP framing) and U (target and Host). What apps read in different ways is tried in front of the recorder and of
eventlet and gevent, which both would answer a smuggled request."""
import socket
import time

from raw import Closed, Polling
from rows import either, row

REFUSED = "400 close"


APPS = {"plain": "recorder", "real": "eventlet", "gevent": "gevent"}
# Behind whatever a server takes for the end of the body: if anybody reads it as a request, the tag is heard.
SMUGGLED = "GET /headers?smuggled={tag} HTTP/1.1\r\nHost: app.example\r\n\r\n"


def posts(bench, *cases, expected=REFUSED):
    """Each case: what it is, header lines, body."""
    for what, lines, body in cases:
        for name, app in APPS.items():
            tag = bench.tag()
            data = bench.head(tag, *lines, method="POST", target=f"/headers?{tag}", body=body + SMUGGLED.format(tag=tag))
            yield f"{what}: {app}", bench.raw(tag, data, name), expected


CHUNKED = "Transfer-Encoding: chunked"
EMPTY_CHUNKS = "0\r\n\r\n"


@row("H01", "H02", "H03", "H04", "H05", "H06")
def content_length(bench):
    yield from posts(bench,
                     ("H01: length, then chunked", ["Content-Length: 5", CHUNKED], EMPTY_CHUNKS),
                     ("H02: chunked, then length", [CHUNKED, "Content-Length: 5"], EMPTY_CHUNKS),
                     ("H03: the same length twice", ["Content-Length: 2", "Content-Length: 2"], "hi"),
                     ("H04: two lengths", ["Content-Length: 2", "Content-Length: 3"], "hi!"),
                     ("H05: a list of lengths", ["Content-Length: 2, 2"], "hi"),
                     *((f"H06: length {value!r}", [f"Content-Length: {value}"], "hi")
                       for value in ("+2", "-1", "0x2", "", "18446744073709551616", "2 2", "2;")))


@row("H07")
def chunked_on_http_1_0(bench):
    tag = bench.tag()
    yield "chunked on HTTP/1.0", bench.raw(tag, bench.head(tag, CHUNKED, method="POST", version="HTTP/1.0", body=EMPTY_CHUNKS)), REFUSED


@row("H08", "H09", "H10", "H11")
def other_codings(bench):
    codings = (("H08", "chunked, identity"), ("H09", "xchunked"), ("H10", "gzip, chunked"), ("H10", "gzip"), ("H10", "chunked, chunked"), ("H10", "chunked, gzip"),
               ("H11", "identity"))
    yield from posts(bench, *((f"{name}: {coding}", [f"Transfer-Encoding: {coding}"], EMPTY_CHUNKS) for name, coding in codings),
                     ("H11: identity and a length", ["Transfer-Encoding: identity", "Content-Length: 5"], EMPTY_CHUNKS),
                     expected=either("501 close", REFUSED))


@row("H12", "H13", "H14", "H15", "H20")
def broken_fields(bench):
    yield from posts(bench,
                     ("H12: coding twice", [CHUNKED, CHUNKED], EMPTY_CHUNKS),
                     ("H13: space before the colon", ["Transfer-Encoding : chunked"], EMPTY_CHUNKS),
                     ("H14: control byte in the coding", ["Transfer-Encoding: \x0bchunked"], EMPTY_CHUNKS),
                     ("H15: continuation line", ["X-A: 1", " 2"], ""),
                     ("H15: leading blank on the first field", [" X-A: 1"], ""),
                     ("H15: continuation by tab", ["X-A: 1", "\t2"], ""),
                     ("H20: empty name", [": x"], ""),
                     ("H20: line without a colon", ["nonsense"], ""),
                     ("H20: space in a name", ["X A: 1"], ""))


@row("H16", "H17", "H18")
def bad_bytes(bench):
    for what, old, new in (("H16: bare LF endings", b"\r\n", b"\n"), ("H17: bare CR in a value", b"VALUE", b"a\rb"), ("H16: bare LF in a value", b"VALUE", b"a\nb"),
                           ("H18: NUL in a value", b"VALUE", b"a\0b"), ("H18: control byte in a value", b"VALUE", b"a\x07b"), ("H18: DEL in a value", b"VALUE", b"a\x7fb"),
                           ("H18: NUL in the target", b"/r/", b"/r\0/"), ("H18: control byte in the target", b"/r/", b"/r\x01/"), ("H18: a number sign in the target", b"/r/", b"/r#/")):
        tag = bench.tag()
        yield what, bench.raw(tag, bench.head(tag, "X-Value: VALUE").replace(old, new), seconds=3), REFUSED


@row("H19")
def underscore_names(bench):
    tag = bench.tag()
    before = bench.forestays["plain"].metric("forestay_dropped_header_fields_total")
    got = bench.raw(tag, bench.head(tag, "X_Forwarded_User: root", "Connection: close"))
    heard = bench.heard(tag)
    dropped = bench.counted(before, 1, "plain", "forestay_dropped_header_fields_total")
    yield "X_Forwarded_User", (got, len(heard), heard and heard[0].has("X-Forwarded-User"), dropped), ("200 close HEARD", 1, False, 1)


@row("H21", "H22", "H23")
def chunk_heads(bench):
    yield from posts(bench, *((what, [CHUNKED], body) for what, body in (
        ("H21: LF after the size", "2\nhi\r\n0\r\n\r\n"), ("H21: 0x2", "0x2\r\nhi\r\n0\r\n\r\n"), ("H21: -2", "-2\r\nhi\r\n0\r\n\r\n"),
        ("H21: space after the size", "2 \r\nhi\r\n0\r\n\r\n"), ("H21: 17 digits", "00000000000000002\r\nhi\r\n0\r\n\r\n"),
        ("H21: a size over 2^64", "10000000000000002\r\nhi\r\n0\r\n\r\n"), ("H21: CR without LF", "2\rhi\r\n0\r\n\r\n"),
        ("H22: LF in a quoted extension", '2;a="\n"\r\nhi\r\n0\r\n\r\n'), ("H23: extension of 300 bytes", f"2;{'a' * 300}\r\nhi\r\n0\r\n\r\n"),
        ("H21: no CRLF behind the data", "2\r\nhi0\r\n\r\n"), ("H21: empty size", "\r\nhi\r\n0\r\n\r\n"))))


@row("H24", "H25", "H26")
def trailers(bench):
    for what, trailer in (("H24: trailer X-Forwarded-User", "X-Forwarded-User: root\r\n"), ("H25: trailer upgrade", "Connection: upgrade\r\nUpgrade: websocket\r\n")):
        tag = bench.tag()
        got = bench.raw(tag, bench.head(tag, CHUNKED, "Connection: close", method="POST", body=f"2\r\nhi\r\n0\r\n{trailer}\r\n"))
        heard = bench.heard(tag)
        clean = bool(heard) and not heard[0].has("X-Forwarded-User") and not heard[0].has("Upgrade") and heard[0].body == b"hi"
        yield what, (got, len(heard), clean), ("200 close HEARD", 1, True)
    yield from posts(bench, ("H26: 1 MB of trailers", [CHUNKED], "0\r\n" + "X-T: a\r\n" * 125_000 + "\r\n"), expected=either(REFUSED, "431 close", "413 close"))


@row("H27", "H28", "H29", "H30")
def sizes(bench):
    tag = bench.tag()
    yield "H27: request line of 9 KB", bench.raw(tag, bench.head(tag, target=f"/r/{tag}/{'a' * 9000}")), "414 close"
    for what, lines in (("H28: 17 KB of fields", [f"X-{i}: {'a' * 1000}" for i in range(17)]), ("H29: a value of 70 KB", [f"X-A: {'a' * 70_000}"]),
                        ("H30: 101 fields", [f"X-{i}: 1" for i in range(101)])):
        tag = bench.tag()
        yield what, bench.raw(tag, bench.head(tag, *lines)), "431 close"


@row("H31")
def body_over_the_limit(bench):
    """Of a body that forestay takes whole, the declared length alone is enough; other uploads are streamed (tests/real)."""
    session = Polling(bench.port("small"), [("Origin", "http://app.example")])  # max_body: 1MiB
    tag = bench.tag()
    length = f"Content-Length: {(1 << 20) + 1}"
    got = bench.raw(tag, bench.head(tag, "Origin: http://app.example", length, method="POST", target=session.target), "small")
    yield "a polling POST, a byte over max_body", got, "413 close"
    tag = bench.tag()
    body = "".join(f"{1 << 16:x}\r\n{'a' * (1 << 16)}\r\n" for _ in range(17)) + EMPTY_CHUNKS
    yield "a chunked upload over max_body", bench.raw(tag, bench.head(tag, CHUNKED, method="POST", body=body), "small"), "413 close"


@row("H32")
def get_with_a_body(bench):
    for what, line, body in (("a length", "Content-Length: 2", "hi"), ("chunks", CHUNKED, EMPTY_CHUNKS)):
        tag = bench.tag()
        yield f"GET with {what}", bench.raw(tag, bench.head(tag, line, body=body)), REFUSED


@row("H33")
def expectations(bench):
    tag = bench.tag()
    yield "another expectation", bench.raw(tag, bench.head(tag, "Expect: 200-ok", "Content-Length: 2", method="POST", body="hi")), "417 close"
    tag = bench.tag()
    with bench.connection() as connection:
        connection.send(bench.head(tag, "Expect: 100-continue", "Content-Length: 2", method="POST"))
        first = connection.read_response().status
        connection.send("hi")
        second = connection.read_response().status
    heard = bench.heard(tag)
    yield "100-continue", (first, second, heard and heard[0].body, heard and heard[0].has("Expect")), (100, 200, b"hi", False)
    tag = bench.tag()
    got = bench.raw(tag, bench.head(tag, "Expect: 100-continue", "Content-Length: 2", method="POST", target=f"/private/{tag}"), "guarded")
    yield "100-continue without a credential", got, "401 close"


@row("H34", "H35")
def pipelining(bench):
    one, two = bench.tag(), bench.tag()
    with bench.connection() as connection:
        connection.send(bench.head(one) + bench.head(two))
        answers = [connection.read_response() for _ in range(2)]
    yield "H34: two at once", ([a.status for a in answers], one in answers[0].body.decode(), two in answers[1].body.decode()), ([200, 200], True, True)
    one, two = bench.tag(), bench.tag()
    got = bench.raw(two, bench.head(one, target=f"/private/{one}") + bench.head(two), "guarded")
    yield "H35: behind a 401", got, "401 close"
    one, two = bench.tag(), bench.tag()
    got = bench.raw(two, bench.head(one, "Content-Length: 2", "Content-Length: 2", method="POST", body="hi") + bench.head(two))
    yield "H35: behind a 400", got, REFUSED


@row("H36", "H37", "H38", "H39")
def other_protocols(bench):
    for what, data, expected in (
            ("H36: HTTP/0.9", b"GET /r/TAG\r\n\r\n", either("400 close", "505 close", "close")),
            *((f"H36: {version}", version, either("505 close", "400 close")) for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/3.7", "HTTP/1.10", "http/1.1", "HTTP/1")),
            ("H36: HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", either("505 close", "400 close")),
            ("H37: TLS ClientHello", bytes.fromhex("16030100c8010000c40303") + bytes(200), "close"),
            ("H39: leading empty line", b"\r\nGET /r/TAG HTTP/1.1\r\nHost: app.example\r\n\r\n", REFUSED)):
        tag = bench.tag()
        yield what, bench.raw(tag, data.replace(b"TAG", tag.encode()) if isinstance(data, bytes) else bench.head(tag, version=data)), expected
    for method, target in (("FOO", None), ("TRACE", None), ("CONNECT", "app.example:80"), ("get", None)):
        tag = bench.tag()
        expected = either("405 close", "400 close") if method == "CONNECT" else "405 close"
        yield f"H38: method {method}", bench.raw(tag, bench.head(tag, method=method, target=target)), expected


def timed(bench, connection, low, high):
    """(what was said, whether the connection ended between these seconds)."""
    started = time.monotonic()
    said = "nothing"
    try:
        connection.wait_at_most(high + 2)
        said = connection.read_response().status
        connection.how_it_ended(2)
    except Closed:
        said = "close"
    except TimeoutError:
        pass
    seconds = time.monotonic() - started
    return said, "in time" if low <= seconds <= high else f"after {seconds:.1f} s"


@row("H40", slow=True)
def slow_head(bench):
    with bench.connection() as connection:
        started, said = time.monotonic(), "nothing"
        connection.wait_at_most(1)
        for byte in bench.head(bench.tag(), "X-Filler: " + "a" * 100).decode():
            connection.send(byte)
            try:
                said = connection.read_response().status
                break
            except TimeoutError:
                pass
            except Closed:
                said = "close"
                break
            if time.monotonic() - started > 20:
                break
        seconds = time.monotonic() - started
    yield "a byte a second", (said, 9 <= seconds <= 13), (408, True)


@row("H41", slow=True)
def slow_body(bench):
    tag = bench.tag()
    with bench.connection() as connection:
        connection.send(bench.head(tag, "Content-Length: 100", method="POST", body="a"))
        yield "a body that stops", timed(bench, connection, 9, 36), (408, "in time")


@row("H42", slow=True)
def silence(bench):
    with bench.connection() as connection:
        said, when = timed(bench, connection, 9, 12)
        yield "nothing is sent", (said, when), either(("close", "in time"), (408, "in time"))


@row("H43", slow=True)
def idle(bench):
    tag = bench.tag()
    with bench.connection("hasty") as connection:
        connection.send(bench.head(tag))
        connection.read_response()
        yield "idle after an answer", timed(bench, connection, 2.5, 6), ("close", "in time")


@row("H44", slow=True)
def never_reads(bench):
    with bench.connection("unread", 60) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send("GET /download?bytes=200000000 HTTP/1.1\r\nHost: app.example\r\n\r\n")
        started, counted = time.monotonic(), [0]
        while time.monotonic() < started + 20 and (counted[-1] > 0 or not any(counted)):  # until it was there, and is gone
            counted.append(bench.forestays["unread"].metric("forestay_client_connections"))
            time.sleep(0.3)
        seconds = time.monotonic() - started
    yield "an answer that is never read", 4 <= seconds <= 12, True


def hosts(bench, *cases):
    for name, line in cases:
        tag = bench.tag()
        yield f"{name}: {line or 'no Host'}", bench.raw(tag, bench.head(tag, host=line)), REFUSED


@row("U01", "U02", "U03", "U04", "U05")
def bad_hosts(bench):
    yield from hosts(bench, ("U01", None), ("U02", "Host: app.example\r\nHost: other.example"), ("U03", "Host: example.com/abc?bar="),
                     *(("U04", f"Host: {host}") for host in ("user@example.com", "a b", "exa%6dple", "[::1", "a,b", "", "b\xfccher.example", "a..b", ".a", "[::1]x",
                                                            "[fe80::1%25eth0]", "[127.0.0.1]")),
                     *(("U05", f"Host: example.com{port}") for port in (":99999", ":", ":-1", ":0x50", ":080", ":80:80")))


@row("U07", "U09", "U10", "U11", "U12", "U13")
def bad_targets(bench):
    for name, target in (("U07", "http://evil.example/TAG"), ("U07", "http://app.example/r/TAG"), ("U07", "https://app.example/r/TAG"), ("U07", "HTTP://app.example/r/TAG"),
                         ("U09", "app.example:80"), ("U09", "TAG"), ("U09", "?TAG"), ("U09", "*"), ("U10", "@evil"), ("U11", "/r/TAG\xff"),
                         ("U12", "/r/TAG/%zz"), ("U12", "/r/TAG/%a"), ("U13", "/socket.io/..%2fadmin?TAG"), ("U13", "/a%2f..%2fadmin?TAG"),
                         ("U13", "/a/../admin?TAG"), ("U13", "/a/%2e%2e/admin?TAG"), ("U13", "/a/.%2E/admin?TAG"), ("U13", "/a%00b?TAG"), ("U13", "/a/..;/admin?TAG"),
                         ("U13", "/a\\..\\admin?TAG"), ("U13", "/a%5c..%5cadmin?TAG")):
        tag = bench.tag()
        yield f"{name}: {target.encode('ascii', 'backslashreplace').decode()}", bench.raw(tag, bench.head(tag, target=target.replace("TAG", tag))), REFUSED


@row("U08")
def asterisk(bench):
    tag = bench.tag()
    got = bench.raw(tag, bench.head(tag, "Connection: close", method="OPTIONS", target="*"))
    yield "OPTIONS *", got, "204 close"


@row("U14", "U15")
def literal_paths(bench):
    """Not Engine.IO: the app hears them as they are, and says 404 itself."""
    for name, target in (("U14", "//evil/x"), ("U15", "/SOCKET.IO/?EIO=4&transport=polling")):
        tag = bench.tag()
        bench.raw(tag, bench.head(tag, "Connection: close", target=target))
        heard = bench.heard(tag)
        yield f"{name}: {target}", [request.target for request in heard], [target]
        yield f"{name}: {target}: Flask", bench.raw(tag, bench.head(tag, "Connection: close", target=f"{target}{'&' if '?' in target else '?'}{tag}"), "real"), "404 close HEARD"


@row("U16", "U17", "U18", "U19")
def engineio_query(bench):
    for name, query, code in (("U16", "EIO=4&transport=polling&sid=a&sid=b", None), ("U16", "EIO=4&transport=polling&transport=websocket", None),
                              ("U16", "EIO=4&EIO=3&transport=polling", None), ("U17", "EIO=4&transport=polling&j=0", None), ("U18", "EIO=5&transport=polling", 5),
                              ("U18", "EIO=abc&transport=polling", 5), ("U18", "transport=polling", 5), ("U19", "EIO=4&transport=webtransport", 0),
                              ("U19", "EIO=4&transport=flash", 0)):
        tag = bench.tag()
        with bench.connection() as connection:
            response = connection.request("GET", f"/socket.io/?{query}", [("X-Tag", tag), ("Origin", "http://app.example")])
        body = response.body.decode("utf-8", "replace").replace(" ", "")
        right = code is None or f'"code":{code}' in body
        yield f"{name}: {query}", (response.status, body if not right else "", bool(bench.recorder.of(tag))), (400, "", False)
