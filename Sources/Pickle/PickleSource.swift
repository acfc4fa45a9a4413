/// The bytes of one or more pickles, and what keeps them alive.
///
/// A ``PickleGraph`` refers to strings and bytes in its source instead of
/// copying them, so a pickle in a mapped file is decoded without a copy.
@safe
public struct PickleSource: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let owner: any AnyObject & Sendable

  /// Copies `bytes` into memory of its own.
  public init(_ bytes: [UInt8]) {
    let copy = OwnedBytes(bytes)
    unsafe self.bytes = UnsafeRawBufferPointer(copy.buffer)
    owner = copy
  }

  /// Uses `unsafeBytes` in place, without a copy.
  ///
  /// - Parameters:
  ///   - unsafeBytes: Memory that must neither move nor change while `owner`
  ///     lives.
  ///   - owner: What keeps the memory alive.
  public init(
    unsafeBytes: UnsafeRawBufferPointer,
    owner: any AnyObject & Sendable
  ) {
    unsafe bytes = unsafeBytes
    self.owner = owner
  }

  /// How many bytes there are.
  public var count: Int { unsafe bytes.count }
}

/// A copy of an array's bytes at an address that does not change.
@safe
private final class OwnedBytes: @unchecked Sendable {
  let buffer: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    unsafe buffer = .allocate(byteCount: bytes.count, alignment: 16)
    unsafe buffer.copyBytes(from: bytes)
  }

  deinit { unsafe buffer.deallocate() }
}
