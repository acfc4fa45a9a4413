internal import CMapped

/// What happens when a mapped file is shortened in place while it is read.
///
/// A page past the file's new end can't be read: the system sends the signal
/// SIGBUS, which ends a process. No error can be thrown from there. A program
/// that would rather say what happened calls
/// ``endProcess(prefix:status:)``; a library user who has a handler of their
/// own for the signal leaves it.
public enum ShortenedFile {
  /// From now on such a read prints a message and ends the process.
  ///
  /// The message on standard error is the prefix, the path and `: changed while
  /// being read`. Other causes of SIGBUS stay with the handler that was there.
  ///
  /// - Parameters:
  ///   - prefix: What the message begins with.
  ///   - status: The exit status.
  public static func endProcess(prefix: StaticString, status: Int32) {
    let text: StaticString = ": changed while being read\n"
    guard prefix.hasPointerRepresentation else { return }
    unsafe prefix.utf8Start.withMemoryRebound(
      to: CChar.self,
      capacity: prefix.utf8CodeUnitCount + 1
    ) { prefix in
      unsafe text.utf8Start.withMemoryRebound(
        to: CChar.self,
        capacity: text.utf8CodeUnitCount + 1
      ) { text in
        unsafe pth_end_on_shortened_file(prefix, text, status)
      }
    }
  }
}
