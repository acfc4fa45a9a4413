// Where an atomic write goes: the file behind links, its temporary neighbour,
// and the steps of putting the one in the other's place.

internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The target of an atomic write and its temporary file.
struct OutputDestination {
  /// The path as it was given, for messages.
  let path: String
  /// The file that is replaced: the target behind symbolic links.
  let target: String
  /// The temporary file beside it; nil for a pipe or a device.
  let temporary: String?

  private let overwriting: Bool
  private let previous: Previous?

  /// What is kept of the file that is replaced.
  private struct Previous {
    let mode: mode_t
    let owner: uid_t
    let group: gid_t
    let size: Int
  }

  /// Finds out what is at `path` and whether it may be replaced.
  init(_ path: String, overwriting: Bool) throws(FileError) {
    self.path = path
    self.overwriting = overwriting
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FileError(.create, path: path, code: ENOENT)
    }
    guard !Self.isOwnStream(path) else {
      (target, temporary, previous) = (path, nil, nil)
      return
    }
    let target = try Self.resolved(path)
    self.target = target
    var status = stat()
    guard unsafe stat(target, &status) == 0 else {
      guard errno == ENOENT else {
        throw FileError(.create, path: path, code: errno)
      }
      temporary = TemporaryName.make(beside: target)
      previous = nil
      return
    }
    let type = status.st_mode & S_IFMT
    guard type != S_IFDIR else {
      throw FileError(.create, path: path, code: EISDIR)
    }
    guard type == S_IFREG else {
      (temporary, previous) = (nil, nil)
      return
    }
    guard overwriting else {
      throw FileError(.create, path: path, code: EEXIST)
    }
    // Renaming needs no permission on the file itself: ask for it here.
    guard unsafe access(target, W_OK) == 0 else {
      throw FileError(.create, path: path, code: errno)
    }
    temporary = TemporaryName.make(beside: target)
    previous = Previous(
      mode: status.st_mode & 0o777,
      owner: status.st_uid,
      group: status.st_gid,
      size: Int(status.st_size)
    )
  }

  /// Whether the path names one of this process's own open streams.
  private static func isOwnStream(_ path: String) -> Bool {
    path == "/dev/stdout" || path == "/dev/stderr"
      || path.hasPrefix("/dev/fd/") || path.hasPrefix("/proc/self/fd/")
  }

  /// The path behind symbolic links, also where the last names nothing yet.
  static func resolved(_ path: String) throws(FileError) -> String {
    var current = path
    for _ in 0..<40 {
      var status = stat()
      guard unsafe lstat(current, &status) == 0,
        status.st_mode & S_IFMT == S_IFLNK
      else { return current }
      let link = unsafe withUnsafeTemporaryAllocation(
        byteCount: Int(PATH_MAX),
        alignment: 1
      ) { buffer -> String? in
        let start = unsafe buffer.baseAddress?.assumingMemoryBound(
          to: CChar.self
        )
        guard let start = unsafe start else { return nil }
        let length = unsafe readlink(current, start, buffer.count)
        guard length >= 0 else { return nil }
        return unsafe String(decoding: buffer[..<length], as: UTF8.self)
      }
      guard let link else {
        throw FileError(.create, path: path, code: errno)
      }
      current =
        link.hasPrefix("/") ? link : folder(of: current) + "/" + link
    }
    throw FileError(.create, path: path, code: ELOOP)
  }

  /// Opens the temporary file, or the pipe or device itself.
  func open() throws(FileError) -> Int32 {
    guard let temporary else {
      return try opened(target, O_WRONLY | O_CLOEXEC, mode: 0)
    }
    TemporaryName.removeLeftovers(beside: target)
    TemporaryName.live.withLock { _ = $0.insert(temporary) }
    do throws(FileError) {
      while true {
        let descriptor = try opened(
          temporary,
          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
          mode: previous == nil ? 0o666 : 0o600
        )
        if TemporaryName.lock(descriptor) { return descriptor }
        _ = close(descriptor)
      }
    } catch {
      TemporaryName.live.withLock { _ = $0.remove(temporary) }
      throw error
    }
  }

  private func opened(
    _ name: String,
    _ flags: Int32,
    mode: mode_t
  ) throws(FileError) -> Int32 {
    let descriptor = unsafe systemOpen(name, flags, mode: mode)
    guard descriptor >= 0 else {
      throw FileError(.create, path: path, code: errno)
    }
    return descriptor
  }

  /// Puts the finished temporary file in the target's place.
  func publish(
    _ descriptor: Int32,
    durability: AtomicFile.Durability
  ) throws(FileError) {
    guard let temporary else { return }
    if let previous {
      // Only root may give a file away; for others it stays their own.
      _ = fchown(descriptor, previous.owner, previous.group)
      guard fchmod(descriptor, previous.mode) == 0 else {
        throw FileError(.replace, path: path, code: errno)
      }
    }
    if overwriting {
      let replaced = previous.flatMap { ReplacedFile(target, size: $0.size) }
      defer { replaced?.release() }
      guard unsafe rename(temporary, target) == 0 else {
        throw FileError(.replace, path: path, code: errno)
      }
    } else {
      try linkIntoPlace(temporary)
    }
    if durability == .synchronized { try synchronizeFolder() }
  }

  /// Gives the finished file its name, unless another has it by now.
  private func linkIntoPlace(_ temporary: String) throws(FileError) {
    if unsafe link(temporary, target) == 0 {
      _ = unsafe unlink(temporary)
      return
    }
    guard errno != EEXIST else {
      throw FileError(.create, path: path, code: EEXIST)
    }
    // A file system without hard links: the name is taken, then replaced.
    let descriptor = try opened(
      target,
      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
      mode: 0o666
    )
    _ = close(descriptor)
    guard unsafe rename(temporary, target) == 0 else {
      let code = errno
      _ = unsafe unlink(target)
      throw FileError(.replace, path: path, code: code)
    }
  }

  private func synchronizeFolder() throws(FileError) {
    let folder = Self.folder(of: target)
    let descriptor = try opened(folder, O_RDONLY | O_CLOEXEC, mode: 0)
    defer { _ = close(descriptor) }
    // Some file systems can't synchronise a folder, and need not.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw FileError(.replace, path: path, code: errno)
    }
  }

  /// Closes and removes the temporary file.
  func abandon(_ descriptor: Int32) {
    if let temporary { _ = unsafe unlink(temporary) }
    release(descriptor)
  }

  /// Closes the file.
  func release(_ descriptor: Int32) {
    _ = close(descriptor)
    if let temporary {
      TemporaryName.live.withLock { _ = $0.remove(temporary) }
    }
  }

  /// A folder's descriptor; negative where there is none, with `errno` set.
  static func openFolder(_ name: String) -> Int32 {
    unsafe systemOpen(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }

  /// The folder part of a path.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    let folder = path[..<slash]
    return folder.isEmpty ? "/" : String(folder)
  }
}
