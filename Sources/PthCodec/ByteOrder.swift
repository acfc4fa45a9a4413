/// The order of the bytes in a number.
public enum ByteOrder: String, Sendable, Hashable {
  /// The least significant byte first.
  case little
  /// The most significant byte first.
  case big

  /// This machine's order.
  public static var host: ByteOrder {
    1.littleEndian == 1 ? .little : .big
  }
}
