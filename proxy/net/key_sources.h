// JWT keys from where they change: files are read again, URLs fetched again. For the whole process.
//
// New keys take the place of the old ones in the authenticator; live sessions are not touched. What cannot be
// used (a file half written, a server that is down or answers something else) changes nothing, but keys of a
// URL are good for jwks_max_stale only: then its tokens are refused with errc::no_keys.
#pragma once

#include <memory>

namespace forestay::net {

class Loop;

class KeySources {
  public:
    // Fetches what has a URL, and waits for it: 5 s for each at most. Before the loop runs. Throws
    // std::runtime_error when one has no keys to give and may not start without.
    explicit KeySources(Loop& first);
    ~KeySources();  // before the loop, when it does not run any more
    KeySources(const KeySources&) = delete;
    KeySources& operator=(const KeySources&) = delete;

  private:
    struct Source;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
