internal import COneDNN

/// A place in memory as oneDNN sees it.
typealias Memory = dnnl_memory_t

/// oneDNN's engine and all that it made for one owner, freed together.
@safe
final class OneDNN {
  private let dnnl: pth_onednn_functions
  private let engine: dnnl_engine_t
  private var primitives: [dnnl_primitive_t] = unsafe []
  private var descriptors: [dnnl_primitive_desc_t] = unsafe []
  private var memories: [Memory] = unsafe []
  private var streams: [dnnl_stream_t] = unsafe []
  private var arguments: [UnsafeMutableBufferPointer<dnnl_exec_arg_t>] =
    unsafe []
  private var buffers: [FloatBuffer] = []

  /// One stream for each thread.
  init(threads: Int) throws(ConvNetError) {
    dnnl = try ConvNet.dnnl
    var created: dnnl_engine_t?
    unsafe try check(dnnl.engine_create(&created, dnnl_cpu, 0), "engine")
    guard let created = unsafe created else {
      throw .oneDNN(call: "engine", status: -1)
    }
    unsafe engine = created
    for _ in 0..<threads {
      var stream: dnnl_stream_t?
      unsafe try check(
        dnnl.stream_create(
          &stream,
          engine,
          UInt32(dnnl_stream_default_flags.rawValue)
        ),
        "stream"
      )
      if let stream = unsafe stream { unsafe streams.append(stream) }
    }
  }

  deinit {
    unsafe arguments.forEach { unsafe $0.deallocate() }
    unsafe memories.forEach { _ = unsafe dnnl.memory_destroy($0) }
    unsafe primitives.forEach { _ = unsafe dnnl.primitive_destroy($0) }
    unsafe descriptors.forEach { _ = unsafe dnnl.primitive_desc_destroy($0) }
    unsafe streams.forEach { _ = unsafe dnnl.stream_destroy($0) }
    _ = unsafe dnnl.engine_destroy(engine)
  }

  func stream(_ thread: Int) -> dnnl_stream_t { unsafe streams[thread] }

  /// A memory object that views a buffer from `start` on, and keeps it.
  func memory(
    _ description: dnnl_memory_desc_t,
    _ buffer: FloatBuffer,
    at start: Int = 0
  ) throws(ConvNetError) -> Memory {
    var description = description
    var created: Memory?
    unsafe try check(
      dnnl.memory_create(&created, &description, engine, buffer.at(start)),
      "memory"
    )
    guard let created = unsafe created else {
      throw .oneDNN(call: "memory", status: -1)
    }
    unsafe memories.append(created)
    buffers.append(buffer)
    return unsafe created
  }

  /// Points a memory object to other floats, which calls only read.
  func point(_ memory: Memory, at floats: UnsafePointer<Float>) {
    _ = unsafe dnnl.memory_set_data_handle(
      memory,
      UnsafeMutablePointer(mutating: floats)
    )
  }

  /// Makes a primitive of an operation's description, a `dnnl_*_desc_t`.
  ///
  /// A gradient needs its forward operation as a hint.
  func operation(
    _ name: String,
    _ operation: UnsafeRawPointer,
    relu: Bool,
    hint: Operation? = nil
  ) throws(ConvNetError) -> Operation {
    let attributes = unsafe try attributes(relu: relu)
    defer { _ = unsafe dnnl.primitive_attr_destroy(attributes) }
    var descriptor: dnnl_primitive_desc_t?
    unsafe try check(
      dnnl.primitive_desc_create(
        &descriptor,
        operation,
        attributes,
        engine,
        hint?.descriptor
      ),
      name
    )
    return try unsafe finish(name, descriptor)
  }

  /// Makes a copy between two arrangements of the same values.
  func reorder(
    from source: dnnl_memory_desc_t,
    to target: dnnl_memory_desc_t
  ) throws(ConvNetError) -> Operation {
    var source = source
    var target = target
    let attributes = unsafe try attributes(relu: false)
    defer { _ = unsafe dnnl.primitive_attr_destroy(attributes) }
    var descriptor: dnnl_primitive_desc_t?
    unsafe try check(
      dnnl.reorder_primitive_desc_create(
        &descriptor,
        &source,
        engine,
        &target,
        engine,
        attributes
      ),
      "reorder"
    )
    return try unsafe finish("reorder", descriptor)
  }

  private func attributes(
    relu: Bool
  ) throws(ConvNetError) -> dnnl_primitive_attr_t? {
    var attributes: dnnl_primitive_attr_t?
    unsafe try check(dnnl.primitive_attr_create(&attributes), "attributes")
    // The library's own scratchpad is not for several threads.
    unsafe try check(
      dnnl.primitive_attr_set_scratchpad_mode(
        attributes,
        dnnl_scratchpad_mode_user
      ),
      "scratchpad mode"
    )
    guard relu else { return unsafe attributes }
    var operations: dnnl_post_ops_t?
    unsafe try check(dnnl.post_ops_create(&operations), "post-ops")
    defer { _ = unsafe dnnl.post_ops_destroy(operations) }
    unsafe try check(
      dnnl.post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0),
      "ReLU"
    )
    unsafe try check(
      dnnl.primitive_attr_set_post_ops(attributes, operations),
      "post-ops"
    )
    return unsafe attributes
  }

  private func finish(
    _ name: String,
    _ descriptor: dnnl_primitive_desc_t?
  ) throws(ConvNetError) -> Operation {
    guard let descriptor = unsafe descriptor else {
      throw .oneDNN(call: name, status: -1)
    }
    unsafe descriptors.append(descriptor)
    var primitive: dnnl_primitive_t?
    unsafe try check(dnnl.primitive_create(&primitive, descriptor), name)
    guard let primitive = unsafe primitive else {
      throw .oneDNN(call: name, status: -1)
    }
    unsafe primitives.append(primitive)
    return unsafe Operation(
      name: name,
      dnnl: dnnl,
      primitive: primitive,
      descriptor: descriptor
    )
  }

  /// Prepares a call, so that making it allocates nothing of ours.
  ///
  /// Each memory has its role, `DNNL_ARG_SRC` and so on; the scratchpad is the
  /// calling thread's own.
  func call(
    _ operation: Operation,
    _ arguments: [(role: Int32, memory: Memory)],
    scratchpad: FloatBuffer
  ) throws(ConvNetError) -> Call {
    let extra = try unsafe memory(operation.scratchpad, scratchpad)
    let block = unsafe UnsafeMutableBufferPointer<dnnl_exec_arg_t>.allocate(
      capacity: arguments.count + 1
    )
    unsafe self.arguments.append(block)
    for unsafe(index, argument) in unsafe arguments.enumerated() {
      unsafe block[index] = dnnl_exec_arg_t(
        arg: argument.role,
        memory: argument.memory
      )
    }
    unsafe block[arguments.count] = dnnl_exec_arg_t(
      arg: DNNL_ARG_SCRATCHPAD,
      memory: extra
    )
    return unsafe Call(
      execute: dnnl.primitive_execute,
      primitive: operation.primitive,
      arguments: UnsafePointer(block.baseAddress),
      count: Int32(block.count)
    )
  }
}

/// oneDNN's function that runs a primitive.
private typealias Execute =
  @convention(c) (
    dnnl_primitive_t?, dnnl_stream_t?, Int32, UnsafePointer<dnnl_exec_arg_t>?
  ) -> dnnl_status_t

/// A prepared call with its arguments, valid while its ``OneDNN`` lives.
@safe
struct Call {
  fileprivate let execute: Execute
  fileprivate let primitive: dnnl_primitive_t
  fileprivate let arguments: UnsafePointer<dnnl_exec_arg_t>?
  fileprivate let count: Int32

  /// Runs it on the calling thread; gives 0 or oneDNN's status.
  @inline(__always)
  func run(on stream: dnnl_stream_t) -> Int {
    Int(
      unsafe execute(primitive, stream, count, arguments).rawValue
    )
  }
}

/// A primitive and what it says of its memory, valid while its ``OneDNN`` lives.
@safe
struct Operation {
  let name: String
  fileprivate let dnnl: pth_onednn_functions
  fileprivate let primitive: dnnl_primitive_t
  fileprivate let descriptor: dnnl_primitive_desc_t

  /// How it wants its weights.
  var weights: dnnl_memory_desc_t { query(dnnl_query_weights_md) }

  /// How it gives the weights' gradient.
  var weightGradient: dnnl_memory_desc_t { query(dnnl_query_diff_weights_md) }

  /// The scratch memory that one running call needs.
  var scratchpad: dnnl_memory_desc_t { query(dnnl_query_scratchpad_md) }

  /// The floats that hold its weights.
  var weightCount: Int { floatCount(of: weights) }

  /// The floats that hold the weights' gradient.
  var weightGradientCount: Int { floatCount(of: weightGradient) }

  /// The floats that hold the scratch memory.
  var scratchpadCount: Int { floatCount(of: scratchpad) }

  private func floatCount(of description: dnnl_memory_desc_t) -> Int {
    var description = description
    return unsafe (dnnl.memory_desc_get_size(&description) + 3) / 4
  }

  private func query(_ what: dnnl_query_t) -> dnnl_memory_desc_t {
    guard let found = unsafe dnnl.primitive_desc_query_md(descriptor, what, 0)
    else { return dnnl_memory_desc_t() }
    return unsafe found.pointee
  }
}
