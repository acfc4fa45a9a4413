internal import OrderedCollections
internal import Tensors

/// Turns the images and labels of an IDX dataset into what a network trains
/// on, and back.
///
/// An IDX file of MNIST holds images as uint8 `[N, rows, columns]` or labels as
/// uint8 `[N]`. A network takes float32 `[N, 1, rows, columns]` in 0…1, as
/// torchvision's `ToTensor` gives it, and int64 `[N]`.
public enum DatasetConversion {
  /// The dataset as a network takes it.
  ///
  /// - Parameter checkpoint: A dataset as an IDX file holds it.
  /// - Returns: Images as float32 `[N, 1, rows, columns]`, each the pixel
  ///   divided by 255, and labels as int64; other tensors as they are.
  /// - Throws: What reading the tensors throws.
  public static func scaled(_ checkpoint: Checkpoint) throws -> Checkpoint {
    var result = checkpoint
    for (name, tensor) in checkpoint.tensors where tensor.dtype == .uint8 {
      switch tensor.shape.count {
      case 3: result.tensors[name] = try images(of: tensor)
      case 1: result.tensors[name] = try tensor.converted(to: .int64)
      default: continue
      }
      // The pickle has the old tensor.
      result.pickled = nil
    }
    return result
  }

  /// The dataset as an IDX file holds it.
  ///
  /// - Parameters:
  ///   - checkpoint: A dataset as a network takes it.
  ///   - allowsLoss: Whether values between two pixel values are rounded, and
  ///     values outside 0…1 are set to the nearest end. NaN never passes.
  /// - Returns: Images as uint8 `[N, rows, columns]` or labels as uint8;
  ///   another tensor, and several, as they are.
  /// - Throws: ``CheckpointError`` for the first value that is no pixel value
  ///   or label, with its index; what reading the tensors throws.
  public static func unscaled(
    _ checkpoint: Checkpoint,
    allowsLoss: Bool = false
  ) throws -> Checkpoint {
    // Several tensors are no dataset: the writer refuses them.
    guard checkpoint.tensors.count == 1 else { return checkpoint }
    var result = checkpoint
    for (name, tensor) in checkpoint.tensors {
      switch (tensor.dtype, tensor.shape.count) {
      case (.float32, 4) where tensor.shape[1] == 1:
        result.tensors[name] = try pixels(of: tensor, name, allowsLoss)
      case (.int64, 1):
        result.tensors[name] = try labels(of: tensor, name)
      default: continue
      }
      // The pickle has the old tensor.
      result.pickled = nil
    }
    return result
  }

  private static func images(of tensor: Tensor) throws -> Tensor {
    // One division for each pixel value there is.
    let values = (0...255).map { Float($0) / 255 }
    let (size, overflow) = tensor.byteCount.multipliedReportingOverflow(by: 4)
    guard !overflow else {
      throw TensorError.tooLarge(
        bytes: .max,
        storageBytes: tensor.storage.byteCount
      )
    }
    let storage = try unsafe Storage(byteCount: size) {
      target throws in
      var position = 0
      try unsafe tensor.forEachContiguousPiece { piece in
        unsafe values.withUnsafeBufferPointer { values in
          for index in 0..<piece.count {
            unsafe target.storeBytes(
              of: values[Int(piece[index])],
              toByteOffset: position,
              as: Float.self
            )
            position &+= 4
          }
        }
      }
    }
    let shape = tensor.shape
    return try Tensor(
      dtype: .float32,
      layout: Layout(contiguous: [shape[0], 1, shape[1], shape[2]]),
      storage: storage
    )
  }

  private static func pixels(
    of tensor: Tensor,
    _ name: String,
    _ allowsLoss: Bool
  ) throws -> Tensor {
    let values = (0...255).map { Float($0) / 255 }
    let storage = try unsafe Storage(byteCount: tensor.elementCount) {
      target throws in
      var position = 0
      try unsafe tensor.forEachContiguousPiece { piece in
        for index in 0..<(piece.count / 4) {
          let value = unsafe piece.loadUnaligned(
            fromByteOffset: index * 4,
            as: Float.self
          )
          // The conversion to Int8 and such traps outside its range.
          let near = max(0, min(255, value * 255)).rounded()
          let pixel = near.isNaN ? 0 : Int(near)
          if values[pixel] != value {
            guard abs(values[pixel] - value) <= tolerance || allowsLoss,
              !value.isNaN
            else {
              throw notAPixel(value, at: position, tensor, name)
            }
          }
          unsafe target[position] = UInt8(truncatingIfNeeded: pixel)
          position &+= 1
        }
      }
    }
    let shape = tensor.shape
    return try Tensor(
      dtype: .uint8,
      layout: Layout(contiguous: [shape[0], shape[2], shape[3]]),
      storage: storage
    )
  }

  /// How far a value may be from k/255 and still be that pixel value.
  private static let tolerance: Float = 1e-6

  private static func notAPixel(
    _ value: Float,
    at position: Int,
    _ tensor: Tensor,
    _ name: String
  ) -> CheckpointError {
    CheckpointError(
      value.isNaN ? .mismatch : .lossy,
      "the value \(value) at index "
        + "\(Layout.index(ofElement: position, in: tensor.shape)) is not a "
        + "pixel's value k/255 with k from 0 to 255",
      keyPath: name,
      hint: value.isNaN
        ? nil
        : "--force rounds it; --no-scale writes the values as they are"
    )
  }

  private static func labels(of tensor: Tensor, _ name: String) throws -> Tensor
  {
    var labels: [UInt8] = []
    labels.reserveCapacity(min(tensor.elementCount, tensor.storage.byteCount))
    for value in try tensor.elements(as: Int64.self) {
      guard let label = UInt8(exactly: value) else {
        throw CheckpointError(
          .mismatch,
          "the label \(value) at index [\(labels.count)] does not fit uint8",
          keyPath: name,
          hint: "--no-scale keeps the integers; --dtype int32 fits IDX"
        )
      }
      labels.append(label)
    }
    return try Tensor(labels, shape: tensor.shape)
  }
}
