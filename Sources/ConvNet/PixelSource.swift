internal import Tensors

/// Images as one run of floats, kept alive by their storage.
@safe
struct PixelSource: @unchecked Sendable {
  /// The values of one image.
  static let imageLength = MyConvNet.imageSize * MyConvNet.imageSize

  /// The images.
  let count: Int

  /// 784 floats an image, valid while the value lives.
  let base: UnsafePointer<Float>?

  private let owner: Storage

  /// Takes float32 `[N, 1, 28, 28]` or `[1, 28, 28]`; an error has the name.
  init(_ images: Tensor, name: String) throws(ConvNetError) {
    let side = MyConvNet.imageSize
    guard images.shape.suffix(3) == [1, side, side],
      images.shape.count == 3 || images.shape.count == 4
    else {
      throw .shape(
        of: name,
        expected: "[N, 1, 28, 28] or [1, 28, 28]",
        actual: images.shape
      )
    }
    guard images.dtype == .float32 else {
      throw .dtype(
        of: name,
        expected: "float32",
        actual: images.dtype.rawValue
      )
    }
    count = images.shape.count == 4 ? images.shape[0] : 1
    do {
      var tensor = try images.contiguous()
      var bytes = try unsafe tensor.storage.unsafeBytes()
      let address = UInt(bitPattern: bytes.baseAddress)
      if address % UInt(MemoryLayout<Float>.alignment) != 0 {
        // A file may place its data at any byte.
        tensor = try Tensor(
          tensor.elements(as: Float.self),
          shape: images.shape
        )
        unsafe bytes = try unsafe tensor.storage.unsafeBytes()
      }
      owner = tensor.storage
      unsafe base = bytes.baseAddress?.assumingMemoryBound(to: Float.self)
    } catch {
      throw .unreadable(of: name, reason: "\(error)")
    }
  }

  /// The first value that is not finite, by its index in all values.
  func firstNotFinite() -> Int? {
    guard let base = unsafe base else { return nil }
    let length = count * Self.imageLength
    var index = 0
    while index < length {
      let end = min(index + 4096, length)
      // x - x is 0 for every finite x, so a whole run is tested at once.
      var sum: Float = 0
      for position in index..<end {
        let value = unsafe base[position]
        sum += value - value
      }
      if sum != 0 || sum.isNaN {
        for position in index..<end where unsafe !base[position].isFinite {
          return position
        }
      }
      index = end
    }
    return nil
  }
}
