// Tells when one of some files has become another: by inotify on their directories, and by a look every 30 s
// for file systems that tell nothing. A file that is replaced by a rename, or by the swap of a symbolic link
// on the way to it (as Kubernetes mounts secrets), counts as well as one that is written in place.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace forestay::net {

class Loop;

class FileWatch {
  public:
    // `changed` is called on the loop, 100 ms to 200 ms after the first of the changes that belong together:
    // a certificate and its key are two files. The files need not be there. `loop` outlives this.
    FileWatch(Loop& loop, std::vector<std::string> files, std::function<void()> changed);
    ~FileWatch();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
