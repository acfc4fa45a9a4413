internal import COneDNN

/// The descriptions of arrays that the network's layers take.
enum Shape {
  /// One image's feature map, blocked by eight channels.
  static func blocked(
    channels: Int,
    size: Int
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    try tagged([1, channels, size, size], dnnl_nChw8c)
  }

  /// One image or plain feature map.
  static func plain(
    channels: Int,
    size: Int
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    try tagged([1, channels, size, size], dnnl_nchw)
  }

  /// A 3×3 convolution's weights as PyTorch keeps them.
  static func weights(
    outputs: Int,
    inputs: Int
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    try tagged([outputs, inputs, 3, 3], dnnl_oihw)
  }

  static func vector(_ count: Int) throws(ConvNetError) -> dnnl_memory_desc_t {
    try tagged([count], dnnl_a)
  }

  /// A matrix with any distance between its rows and between its columns.
  static func matrix(
    rows: Int,
    columns: Int,
    rowStride: Int,
    columnStride: Int = 1
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    var description = dnnl_memory_desc_t()
    unsafe try check(
      dnnl.memory_desc_init_by_strides(
        &description,
        2,
        [Int64(rows), Int64(columns)],
        dnnl_f32,
        [Int64(rowStride), Int64(columnStride)]
      ),
      "matrix"
    )
    return description
  }

  fileprivate static func tagged(
    _ sizes: [Int],
    _ tag: dnnl_format_tag_t
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    var description = dnnl_memory_desc_t()
    unsafe try check(
      dnnl.memory_desc_init_by_tag(
        &description,
        Int32(sizes.count),
        sizes.map(Int64.init),
        dnnl_f32,
        tag
      ),
      "memory description"
    )
    return description
  }
}

/// A 3×3 convolution with a border of one, on one image.
struct ConvolutionShape {
  let inputs: Int
  let outputs: Int
  let size: Int

  /// oneDNN takes a single input channel only as a plain image.
  func source() throws(ConvNetError) -> dnnl_memory_desc_t {
    try inputs == 1
      ? Shape.plain(channels: inputs, size: size)
      : Shape.blocked(channels: inputs, size: size)
  }

  func target() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.blocked(channels: outputs, size: size)
  }

  /// oneDNN chooses how the weights lie.
  func anyWeights() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.tagged([outputs, inputs, 3, 3], dnnl_format_tag_any)
  }
}

extension OneDNN {
  /// Convolution and bias, and ReLU where asked for.
  func convolution(
    _ shape: ConvolutionShape,
    training: Bool,
    relu: Bool
  ) throws(ConvNetError) -> Operation {
    var source = try shape.source()
    var weights = try shape.anyWeights()
    var bias = try Shape.vector(shape.outputs)
    var target = try shape.target()
    var description = dnnl_convolution_desc_t()
    unsafe try check(
      dnnl.convolution_forward_desc_init(
        &description,
        training ? dnnl_forward_training : dnnl_forward_inference,
        dnnl_convolution_direct,
        &source,
        &weights,
        &bias,
        &target,
        [1, 1],
        [1, 1],
        [1, 1]
      ),
      "convolution"
    )
    return try unsafe operation("convolution", &description, relu: relu)
  }

  /// The gradient of a convolution's input.
  func convolutionInputGradient(
    _ shape: ConvolutionShape,
    forward: Operation
  ) throws(ConvNetError) -> Operation {
    var source = try shape.source()
    var weights = try shape.anyWeights()
    var target = try shape.target()
    var description = dnnl_convolution_desc_t()
    unsafe try check(
      dnnl.convolution_backward_data_desc_init(
        &description,
        dnnl_convolution_direct,
        &source,
        &weights,
        &target,
        [1, 1],
        [1, 1],
        [1, 1]
      ),
      "convolution's input gradient"
    )
    return try unsafe operation(
      "convolution's input gradient",
      &description,
      relu: false,
      hint: forward
    )
  }

  /// The gradient of a convolution's weights.
  func convolutionWeightGradient(
    _ shape: ConvolutionShape,
    forward: Operation
  ) throws(ConvNetError) -> Operation {
    var source = try shape.source()
    var weights = try shape.anyWeights()
    var target = try shape.target()
    var description = dnnl_convolution_desc_t()
    unsafe try check(
      dnnl.convolution_backward_weights_desc_init(
        &description,
        dnnl_convolution_direct,
        &source,
        &weights,
        nil,
        &target,
        [1, 1],
        [1, 1],
        [1, 1]
      ),
      "convolution's weight gradient"
    )
    return try unsafe operation(
      "convolution's weight gradient",
      &description,
      relu: false,
      hint: forward
    )
  }

  /// target = source × weights, plus a bias and ReLU where asked for.
  func product(
    _ source: dnnl_memory_desc_t,
    _ weights: dnnl_memory_desc_t,
    _ target: dnnl_memory_desc_t,
    biasCount: Int? = nil,
    relu: Bool = false
  ) throws(ConvNetError) -> Operation {
    var source = source
    var weights = weights
    var target = target
    var description = dnnl_matmul_desc_t()
    if let biasCount {
      var bias = try Shape.matrix(
        rows: 1,
        columns: biasCount,
        rowStride: biasCount
      )
      unsafe try check(
        dnnl.matmul_desc_init(
          &description,
          &source,
          &weights,
          &bias,
          &target
        ),
        "product"
      )
    } else {
      unsafe try check(
        dnnl.matmul_desc_init(&description, &source, &weights, nil, &target),
        "product"
      )
    }
    return try unsafe operation("product", &description, relu: relu)
  }
}
