#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Opens a file by the system's own call, again where a signal came between.
///
/// - Parameters:
///   - path: The file's path.
///   - flags: `O_RDONLY` and so on.
///   - mode: The permissions of a file that is made.
/// - Returns: A descriptor; negative where there is none, with `errno` set.
func systemOpen(
  _ path: UnsafePointer<CChar>,
  _ flags: Int32,
  mode: mode_t = 0
) -> Int32 {
  var descriptor: Int32
  repeat {
    #if canImport(Darwin)
      descriptor = unsafe Darwin.open(path, flags, mode)
    #elseif canImport(Musl)
      descriptor = unsafe Musl.open(path, flags, mode)
    #else
      descriptor = unsafe Glibc.open(path, flags, mode)
    #endif
  } while descriptor < 0 && errno == EINTR
  return descriptor
}
