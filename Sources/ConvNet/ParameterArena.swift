internal import Tensors

/// Where each learned parameter lies in one run of floats.
///
/// The gradient and Adam's averages lie in runs of the same arrangement, so
/// that the optimizer walks over all parameters as over one.
struct ParameterArena: Sendable {
  struct Place: Sendable {
    let key: String
    let shape: [Int]
    let range: Range<Int>
  }

  /// The learned parameters in PyTorch's order, each on a cache line.
  let places: [Place]

  /// The floats of the whole run; those between parameters stay zero.
  let count: Int

  private let starts: [String: Int]

  static let network = ParameterArena(MyConvNet().parameterDescriptions)

  init(_ descriptions: [ParameterDescription]) {
    var places: [Place] = []
    var starts: [String: Int] = [:]
    var end = 0
    for description in descriptions where description.role == .parameter {
      let range = end..<end + description.elementCount
      places.append(
        Place(key: description.key, shape: description.shape, range: range)
      )
      starts[description.key] = end
      end = (range.upperBound + 15) / 16 * 16
    }
    self.places = places
    self.starts = starts
    count = end
  }

  /// The first float of a parameter.
  func start(_ key: String) -> Int { starts[key] ?? 0 }

  /// A run's values as tensors by key.
  func tensors(
    of buffer: FloatBuffer
  ) throws(ConvNetError) -> [(key: String, tensor: Tensor)] {
    var result: [(key: String, tensor: Tensor)] = []
    for place in places {
      do {
        let tensor = try Tensor(buffer.array(place.range), shape: place.shape)
        result.append((place.key, tensor))
      } catch {
        throw .unreadable(of: place.key, reason: "\(error)")
      }
    }
    return result
  }

  /// Reads tensors by key into a run.
  func read(
    into buffer: FloatBuffer,
    _ tensor: (String) -> Tensor?
  ) throws(ConvNetError) {
    for place in places {
      guard let found = tensor(place.key) else {
        throw .state("\(place.key) is missing")
      }
      guard found.shape == place.shape else {
        throw .shape(
          of: place.key,
          expected: "\(place.shape)",
          actual: found.shape
        )
      }
      do {
        let values: [Float] = try found.converted(to: .float32).elements()
        buffer.write(values, at: place.range.lowerBound)
      } catch {
        throw .unreadable(of: place.key, reason: "\(error)")
      }
    }
  }
}

/// The first float of each layer's parameters in the arena, looked up once.
struct ParameterStarts {
  struct Layer {
    let weight: Int
    let bias: Int

    init(_ name: String) {
      weight = ParameterArena.network.start(name + ".weight")
      bias = ParameterArena.network.start(name + ".bias")
    }
  }

  let convolution1 = Layer("cnn.0")
  let normalization1 = Layer("cnn.1")
  let convolution2 = Layer("cnn.4")
  let normalization2 = Layer("cnn.5")
  let linear1 = Layer("fc.0")
  let linear2 = Layer("fc.2")
  let linear3 = Layer("fc.4")
}
