/// A tensor: elements of one dtype, seen through a layout in a storage.
///
/// A tensor is a view. Copying it copies no elements.
public struct Tensor: Sendable {
  /// The elements' type.
  public let dtype: DType

  /// Shape, strides and offset, in elements.
  public let layout: Layout

  /// The bytes, perhaps shared with other tensors.
  public let storage: Storage

  /// The bytes that the elements take without gaps.
  public let byteCount: Int

  /// The device that the tensor was saved from, such as `cpu` or `meta`.
  public var device: String

  /// Whether the tensor records gradients.
  public var requiresGrad: Bool

  /// How quantized integers stand for real numbers; nil for other dtypes.
  public var quantization: Quantization?

  /// Whether the elements are to be read as their complex conjugates.
  public var isConjugate: Bool

  /// Whether the elements are to be read as their negatives.
  public var isNegative: Bool

  /// Makes a tensor and checks that its layout lies in its storage.
  ///
  /// - Parameters:
  ///   - dtype: The elements' type.
  ///   - layout: Shape, strides and offset, in elements.
  ///   - storage: The bytes.
  ///   - device: The device that the tensor was saved from.
  ///   - requiresGrad: Whether it records gradients.
  /// - Throws: ``LayoutError`` where the layout needs more bytes than the
  ///   storage has.
  public init(
    dtype: DType,
    layout: Layout,
    storage: Storage,
    device: String = "cpu",
    requiresGrad: Bool = false
  ) throws(LayoutError) {
    guard let needed = dtype.byteCount(ofElements: layout.extent),
      let byteCount = dtype.byteCount(ofElements: layout.elementCount)
    else {
      throw .overflow(
        shape: layout.shape,
        strides: layout.strides,
        offset: layout.offset
      )
    }
    guard needed <= storage.byteCount else {
      throw .beyondStorage(needed: needed, available: storage.byteCount)
    }
    self.dtype = dtype
    self.layout = layout
    self.storage = storage
    self.byteCount = byteCount
    self.device = device
    self.requiresGrad = requiresGrad
    isConjugate = false
    isNegative = false
  }

  /// Makes a tensor of an array's elements, in row-major order.
  ///
  /// - Parameters:
  ///   - elements: One value for each index.
  ///   - shape: The size of each dimension; one dimension where it is nil.
  /// - Throws: ``LayoutError`` where the shape's product is not the number of
  ///   elements.
  public init<Scalar: TensorScalar>(
    _ elements: [Scalar],
    shape: [Int]? = nil
  ) throws(LayoutError) {
    let layout = try Layout(contiguous: shape ?? [elements.count])
    guard layout.elementCount == elements.count else {
      throw .beyondStorage(
        needed: Scalar.dtype.byteCount(ofElements: layout.elementCount) ?? 0,
        available: Scalar.dtype.byteCount(ofElements: elements.count) ?? 0
      )
    }
    try self.init(
      dtype: Scalar.dtype,
      layout: layout,
      storage: Storage(elements)
    )
  }

  /// The size of each dimension; empty for a scalar.
  public var shape: [Int] { layout.shape }

  /// The number of elements.
  public var elementCount: Int { layout.elementCount }
}

/// How quantized integers stand for real numbers.
public indirect enum Quantization: Sendable {
  /// `(q - zeroPoint) * scale`, the same for all elements.
  case perTensor(scale: Double, zeroPoint: Int)
  /// A scale and a zero point for each index along `axis`.
  ///
  /// `isFloat` tells PyTorch's `per_channel_affine_float_qparams`.
  case perChannel(scales: Tensor, zeroPoints: Tensor, axis: Int, isFloat: Bool)
}

/// A Swift type whose values are the elements of one dtype.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  /// The dtype that has this type's bytes.
  static var dtype: DType { get }
}

extension Double: TensorScalar {
  public static var dtype: DType { .float64 }
}
extension Float: TensorScalar {
  public static var dtype: DType { .float32 }
}
#if !(os(macOS) && arch(x86_64))
  extension Float16: TensorScalar {
    public static var dtype: DType { .float16 }
  }
#endif
extension Int64: TensorScalar {
  public static var dtype: DType { .int64 }
}
extension Int32: TensorScalar {
  public static var dtype: DType { .int32 }
}
extension Int16: TensorScalar {
  public static var dtype: DType { .int16 }
}
extension Int8: TensorScalar {
  public static var dtype: DType { .int8 }
}
extension UInt64: TensorScalar {
  public static var dtype: DType { .uint64 }
}
extension UInt32: TensorScalar {
  public static var dtype: DType { .uint32 }
}
extension UInt16: TensorScalar {
  public static var dtype: DType { .uint16 }
}
extension UInt8: TensorScalar {
  public static var dtype: DType { .uint8 }
}
