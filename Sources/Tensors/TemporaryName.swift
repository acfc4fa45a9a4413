// Names of temporary files, and the removal of those that killed processes
// left behind.

internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The names `.<target>.pth-<process>-<random>.tmp`.
enum TemporaryName {
  /// The temporary files and folders that this process is writing.
  static let live = Mutex<Set<String>>([])

  private static let suffix = ".tmp"

  /// A new name in the target's folder.
  static func make(beside target: String) -> String {
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    return OutputDestination.folder(of: target) + "/" + prefix(of: target)
      + "\(getpid())-" + random + suffix
  }

  /// What all temporary names of a target begin with.
  private static func prefix(of target: String) -> String {
    let name = target.lastIndex(of: "/").map {
      String(target[target.index(after: $0)...])
    }
    // A name may have 255 bytes: a long target's is cut.
    var kept = Substring(name ?? target)
    while kept.utf8.count > 200 { kept.removeLast() }
    return ".\(kept).pth-"
  }

  /// Removes the temporary files and folders of this target whose writers are gone.
  ///
  /// A writer holds a lock on its file, which the system drops when it dies.
  /// The process number tells nothing: it may be another's by now, or one of
  /// another container.
  static func removeLeftovers(beside target: String) {
    let folder = OutputDestination.folder(of: target)
    let prefix = prefix(of: target)
    for name in names(in: folder) ?? [] {
      guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
      let writer = name.dropFirst(prefix.count).prefix { $0 != "-" }
      guard let writer = pid_t(writer) else { continue }
      remove(folder + "/" + name, ifAbandonedBy: writer)
    }
  }

  /// The names in a folder; nil where it can't be read, with `errno` set.
  static func names(in folder: String) -> [String]? {
    guard let stream = unsafe opendir(folder) else { return nil }
    defer { _ = unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(
          decoding: bytes.prefix { $0 != 0 },
          as: UTF8.self
        )
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a folder of files; one that holds folders stays.
  static func removeFolder(_ path: String) {
    for name in names(in: path) ?? [] { _ = unsafe unlink(path + "/" + name) }
    _ = unsafe rmdir(path)
  }

  private static func remove(_ path: String, ifAbandonedBy writer: pid_t) {
    // Some network file systems grant a process its own lock a second time.
    guard writer != getpid() || !live.withLock({ $0.contains(path) }) else {
      return
    }
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let descriptor = unsafe systemOpen(path, flags)
    guard descriptor >= 0 else { return }
    defer { _ = close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return }
    if unsafe unlink(path) != 0 { removeFolder(path) }
  }

  /// Takes the lock that tells other processes that a file is in use.
  ///
  /// - Returns: Whether the file is still there: another process may have
  ///   taken it for abandoned before it was locked.
  static func lock(_ descriptor: Int32) -> Bool {
    var result: Int32
    repeat {
      result = flock(descriptor, LOCK_EX)
    } while result != 0 && errno == EINTR
    var status = stat()
    return unsafe fstat(descriptor, &status) != 0 || status.st_nlink > 0
  }
}
