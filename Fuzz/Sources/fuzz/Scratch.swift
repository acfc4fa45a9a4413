import Glibc

/// A folder in memory of this process's own.
enum Scratch {
  static let folder = "/dev/shm/pth-fuzz-\(getpid())"

  /// Makes the folder, with the files that metadata and indexes speak of.
  ///
  /// - Parameter fixtures: The folder `fixtures/`.
  static func make(fixtures: String) {
    mkdir(folder, 0o700)
    mkdir(folder + "/dcp", 0o700)
    for (source, target) in [
      ("torch-2.13/dcp_single/__0_0.distcp", "dcp/__0_0.distcp"),
      (
        "formats/sharded/model-00001-of-00002.safetensors",
        "model-00001-of-00002.safetensors"
      ),
      (
        "formats/sharded/model-00002-of-00002.safetensors",
        "model-00002-of-00002.safetensors"
      ),
    ] {
      symlink(fixtures + "/" + source, folder + "/" + target)
    }
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) {
    let file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0o600)
    guard file >= 0, Glibc.write(file, bytes.baseAddress, bytes.count) >= 0
    else {
      perror(path)
      _exit(70)
    }
    close(file)
  }
}
