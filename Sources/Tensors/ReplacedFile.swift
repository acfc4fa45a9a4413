// The old file when a new one takes its name.
internal import Dispatch

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that lost its name, whose bytes the system gives up on another core.
///
/// A gigabyte in the system's cache takes it a tenth of a second: the writer
/// need not wait for that.
struct ReplacedFile {
  private let descriptor: Int32

  // Handing a smaller one over takes as long as giving it up.
  private static let smallestSize = 1 << 20
  private static let releases = DispatchGroup()

  /// Holds on to a file that is about to be replaced.
  ///
  /// - Returns: Nil where it is small, or can't be opened: then the system
  ///   gives up its bytes as it is replaced.
  init?(_ path: String, size: Int) {
    guard size >= Self.smallestSize else { return nil }
    descriptor = unsafe systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
  }

  /// Lets go of the file.
  func release() {
    let descriptor = descriptor
    DispatchQueue.global(qos: .utility).async(group: Self.releases) {
      _ = close(descriptor)
    }
  }

  /// Waits until the disk has the space of all files that were let go of.
  static func waitForReleases() { releases.wait() }
}
