import Tensors
import Testing

@testable import ConvNet

@Suite struct DatasetTests {
  static let images = [Float](repeating: 0.5, count: 3 * 784)

  static func tensor(
    _ values: [Float] = images,
    _ shape: [Int] = [3, 1, 28, 28]
  ) throws -> Tensor {
    try Tensor(values, shape: shape)
  }

  @Test func takesWhatTheScriptTakes() throws {
    let dataset = try Dataset(
      images: Self.tensor(),
      labels: Tensor([0, 9, 5] as [Int64])
    )
    #expect(dataset.count == 3)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .signalingNaN])
  func namesTheValueThatIsNotFinite(_ value: Float) throws {
    var values = Self.images
    values[784 * 2 + 28 * 5 + 7] = value
    let images = try Self.tensor(values)
    #expect {
      _ = try Dataset(images: images, labels: Tensor([0, 1, 2] as [Int64]))
    } throws: {
      guard case .notFinite(2, 5, 7, _) = $0 as? ConvNetError else {
        return false
      }
      return true
    }
  }

  @Test func namesTheLabelThatIsNoDigit() throws {
    for value: Int64 in [-1, 10, .max, .min] {
      #expect(throws: ConvNetError.label(index: 1, value: value)) {
        _ = try Dataset(
          images: Self.tensor(),
          labels: Tensor([0, value, 2] as [Int64])
        )
      }
    }
  }

  @Test func refusesCountsThatDiffer() throws {
    #expect(throws: ConvNetError.counts(images: 3, labels: 2)) {
      _ = try Dataset(
        images: Self.tensor(),
        labels: Tensor([0, 1] as [Int64])
      )
    }
  }

  @Test func refusesOtherShapesAndDTypes() throws {
    let labels = try Tensor([0, 1, 2] as [Int64])
    let flat = try Self.tensor(Self.images, [3, 784])
    let noBatch = try Self.tensor(Array(Self.images.prefix(784)), [1, 28, 28])
    for images in [flat, noBatch] {
      #expect(throws: ConvNetError.self) {
        _ = try Dataset(images: images, labels: labels, imagesName: "x.pth")
      }
    }
    let doubles = try Tensor(
      [Double](repeating: 0, count: 3 * 784),
      shape: [3, 1, 28, 28]
    )
    #expect(
      throws: ConvNetError.dtype(
        of: "x.pth",
        expected: "float32",
        actual: "float64"
      )
    ) {
      _ = try Dataset(images: doubles, labels: labels, imagesName: "x.pth")
    }
    let narrow = try Tensor([0, 1, 2] as [Int32])
    let square = try Tensor([0, 1, 2] as [Int64], shape: [3, 1])
    for labels in [narrow, square] {
      #expect(throws: ConvNetError.self) {
        _ = try Dataset(images: Self.tensor(), labels: labels)
      }
    }
  }
}
