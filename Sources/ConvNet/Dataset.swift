public import Tensors

/// Images of digits and their labels, checked.
public struct Dataset: Sendable {
  /// float32 `[N, 1, 28, 28]`.
  public let images: Tensor

  /// The digit of each image, 0 to 9.
  public let labels: [Int64]

  let pixels: PixelSource

  /// The number of images.
  public var count: Int { labels.count }

  /// Takes images and labels, and looks at every value.
  ///
  /// - Parameters:
  ///   - images: float32 `[N, 1, 28, 28]`, without NaN and infinities.
  ///   - labels: int64 `[N]`, each from 0 to 9.
  ///   - imagesName: What to call the images in an error: the file's name.
  ///   - labelsName: What to call the labels in an error.
  /// - Throws: ``ConvNetError`` that names what is wrong and where.
  public init(
    images: Tensor,
    labels: Tensor,
    imagesName: String = "the images",
    labelsName: String = "the labels"
  ) throws(ConvNetError) {
    let side = MyConvNet.imageSize
    guard images.shape.count == 4, images.shape.suffix(3) == [1, side, side]
    else {
      throw .shape(
        of: imagesName,
        expected: "[N, 1, 28, 28]",
        actual: images.shape
      )
    }
    pixels = try PixelSource(images, name: imagesName)
    self.images = images
    self.labels = try Self.read(labels, name: labelsName)
    guard pixels.count == self.labels.count else {
      throw .counts(images: pixels.count, labels: self.labels.count)
    }
    if let index = pixels.firstNotFinite(), let base = unsafe pixels.base {
      let place = index % PixelSource.imageLength
      throw .notFinite(
        image: index / PixelSource.imageLength,
        row: place / MyConvNet.imageSize,
        column: place % MyConvNet.imageSize,
        value: "\(unsafe base[index])"
      )
    }
  }

  private static func read(
    _ labels: Tensor,
    name: String
  ) throws(ConvNetError) -> [Int64] {
    guard labels.shape.count == 1 else {
      throw .shape(of: name, expected: "[N]", actual: labels.shape)
    }
    guard labels.dtype == .int64 else {
      throw .dtype(of: name, expected: "int64", actual: labels.dtype.rawValue)
    }
    let values: [Int64]
    do {
      values = try labels.elements()
    } catch {
      throw .unreadable(of: name, reason: "\(error)")
    }
    let classes = 0..<Int64(MyConvNet.classCount)
    for (index, value) in values.enumerated() where !classes.contains(value) {
      throw .label(index: index, value: value)
    }
    return values
  }
}
