// Writing a folder of files so that its name shows the old content or the
// whole new one.

internal import CKernels
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A folder that appears under its name when it is complete, and only then.
///
/// Files are written into a temporary folder beside the target, which
/// ``commit()`` renames. Until then, and after any error, the target is what it
/// was. A temporary folder that a killed process left is removed by the next
/// write to the same target.
///
/// A folder that is replaced may hold nothing but files of its own kind: what
/// else somebody keeps there is never removed.
@safe
public final class AtomicFolder {
  /// The path as it was given, without slashes at its end.
  public let path: String

  private let target: String
  private let temporary: String
  private let overwriting: Bool
  private let isOwn: (String) -> Bool
  private let durability: AtomicFile.Durability
  /// Holds the lock that tells that the temporary folder is in use.
  private var lock: Int32

  /// Makes the temporary folder.
  ///
  /// - Parameters:
  ///   - path: Where the folder shall be.
  ///   - overwriting: Whether a folder that has files may be replaced.
  ///   - durability: What ``commit()`` does about a power failure.
  ///   - isOwn: Whether a file of that name may go when it is replaced.
  /// - Throws: ``FileError`` where the target is a file, may not be replaced,
  ///   has files of another kind, or the temporary folder can't be made.
  public init(
    _ path: String,
    overwriting: Bool,
    durability: AtomicFile.Durability = .synchronized,
    replacing isOwn: @escaping (String) -> Bool
  ) throws(FileError) {
    var trimmed = Substring(path)
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.path = String(trimmed)
    guard !trimmed.isEmpty, !path.utf8.contains(0) else {
      throw FileError(.create, path: path, code: ENOENT)
    }
    target = try OutputDestination.resolved(self.path)
    temporary = TemporaryName.make(beside: target)
    self.overwriting = overwriting
    self.durability = durability
    self.isOwn = isOwn
    lock = -1
    try checkTarget()
    TemporaryName.removeLeftovers(beside: target)
    TemporaryName.live.withLock { _ = $0.insert(temporary) }
    guard unsafe mkdir(temporary, 0o777) == 0 else {
      let code = errno
      TemporaryName.live.withLock { _ = $0.remove(temporary) }
      throw FileError(.create, path: path, code: code)
    }
    lock = OutputDestination.openFolder(temporary)
    if lock >= 0 { _ = flock(lock, LOCK_EX | LOCK_NB) }
  }

  deinit { discard() }

  /// The path of a file that is to be in the folder, until ``commit()``.
  ///
  /// - Parameter name: The file's name.
  /// - Returns: Where to write it.
  public func file(_ name: String) -> String { temporary + "/" + name }

  /// Puts the finished folder in its place.
  ///
  /// - Throws: ``FileError`` where it can't; the target is then what it was.
  public func commit() throws(FileError) {
    guard lock != Self.done else {
      throw FileError(.replace, path: path, code: EBADF)
    }
    do throws(FileError) {
      try synchronize(temporary)
      let hasOld = try checkTarget()
      if hasOld {
        try exchange()
      } else if unsafe rename(temporary, target) != 0 {
        throw FileError(.replace, path: path, code: errno)
      }
      try synchronize(OutputDestination.folder(of: target))
    } catch {
      discard()
      throw error
    }
    // After an exchange the old folder has the temporary name.
    discard()
  }

  /// Gives up: removes the temporary folder and leaves the target as it was.
  public func discard() {
    guard lock != Self.done else { return }
    TemporaryName.removeFolder(temporary)
    if lock >= 0 { _ = close(lock) }
    lock = Self.done
    TemporaryName.live.withLock { _ = $0.remove(temporary) }
  }

  private static let done: Int32 = -2

  /// Checks that the target may be replaced.
  ///
  /// - Returns: Whether it has files that go.
  @discardableResult
  private func checkTarget() throws(FileError) -> Bool {
    var status = stat()
    guard unsafe stat(target, &status) == 0 else {
      guard errno == ENOENT else {
        throw FileError(.create, path: path, code: errno)
      }
      return false
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(.create, path: path, code: ENOTDIR)
    }
    guard let names = TemporaryName.names(in: target) else {
      throw FileError(.create, path: path, code: errno)
    }
    guard !names.isEmpty else { return false }
    guard overwriting else {
      throw FileError(.create, path: path, code: EEXIST)
    }
    if let other = names.first(where: { !isOwn($0) }) {
      throw FileError(
        .replace,
        path: path,
        code: ENOTEMPTY,
        detail: "it also holds \(other), which would be lost"
      )
    }
    return true
  }

  /// Swaps the new folder and the old one.
  ///
  /// Where the file system can't, there is none of that name for a moment:
  /// `rename` does not replace a folder that has files.
  private func exchange() throws(FileError) {
    if unsafe pth_swap_names(temporary, target) == 0 { return }
    let old = TemporaryName.make(beside: target)
    guard unsafe rename(target, old) == 0 else {
      throw FileError(.replace, path: path, code: errno)
    }
    guard unsafe rename(temporary, target) == 0 else {
      let code = errno
      _ = unsafe rename(old, target)
      throw FileError(.replace, path: path, code: code)
    }
    _ = unsafe rename(old, temporary)
  }

  private func synchronize(_ folder: String) throws(FileError) {
    guard durability == .synchronized else { return }
    let descriptor = OutputDestination.openFolder(folder)
    guard descriptor >= 0 else {
      throw FileError(.replace, path: path, code: errno)
    }
    defer { _ = close(descriptor) }
    // Some file systems can't synchronise a folder, and need not.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw FileError(.replace, path: path, code: errno)
    }
  }
}
