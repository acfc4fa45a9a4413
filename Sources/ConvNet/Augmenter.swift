#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Changes the images of a batch at random, in memory of its own.
@safe
final class Augmenter {
  private let options: Augmentation
  private let images: FloatBuffer
  var generator: TorchGenerator

  init(_ options: Augmentation, batch: Int) {
    self.options = options
    images = FloatBuffer(count: batch * PixelSource.imageLength)
    generator = TorchGenerator(seed: options.seed)
  }

  /// Replaces each image's address by that of its changed copy.
  func change(_ addresses: inout [UnsafePointer<Float>]) {
    for index in unsafe addresses.indices {
      let copy = unsafe images.at(index * PixelSource.imageLength)
      let map = AffineMap(options, &generator)
      unsafe map.apply(to: addresses[index], into: copy)
      unsafe addresses[index] = UnsafePointer(copy)
    }
  }
}

/// Which place of an image each place of its changed copy comes from.
struct AffineMap {
  // [x', y'] = [[a, b], [c, d]] · [x, y] + [e, f], about the image's middle.
  let a: Float
  let b: Float
  let c: Float
  let d: Float
  let e: Float
  let f: Float

  init(_ options: Augmentation, _ generator: inout TorchGenerator) {
    func upTo(_ bound: Float) -> Float { generator.uniform(-bound, bound) }
    let angle = upTo(options.degrees) * .pi / 180
    let size = 1 / (1 + upTo(min(options.scale, 0.9)))
    let shear = upTo(options.shear)
    let cosine = cos(angle) * size
    let sine = sin(angle) * size
    a = cosine
    b = -sine + cosine * shear
    c = sine
    d = cosine + sine * shear
    e = upTo(options.shift)
    f = upTo(options.shift)
  }

  /// Samples bilinearly; what lies outside the image is 0.
  func apply(
    to source: UnsafePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let side = MyConvNet.imageSize
    let middle = Float(side - 1) / 2
    for row in 0..<side {
      let y = Float(row) - middle
      for column in 0..<side {
        let x = Float(column) - middle
        let fromX = a * x + b * y + e + middle
        let fromY = c * x + d * y + f + middle
        let left = fromX.rounded(.down)
        let top = fromY.rounded(.down)
        let right = fromX - left
        let bottom = fromY - top
        func pixel(_ row: Float, _ column: Float) -> Float {
          let range = 0..<Float(side)
          guard range.contains(row), range.contains(column) else { return 0 }
          return unsafe source[Int(row) * side + Int(column)]
        }
        let upper =
          pixel(top, left) * (1 - right) + pixel(top, left + 1) * right
        let lower =
          pixel(top + 1, left) * (1 - right)
          + pixel(top + 1, left + 1) * right
        unsafe target[row * side + column] =
          upper * (1 - bottom) + lower * bottom
      }
    }
  }
}
