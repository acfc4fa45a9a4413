internal import COneDNN

/// An array as a call takes it.
@safe
struct CallArgument {
  /// `DNNL_ARG_SRC` and so on.
  let role: Int32
  /// How the array lies in memory.
  let description: dnnl_memory_desc_t
  let buffer: FloatBuffer
  /// The array's first float in the buffer.
  let start: Int
  /// The floats from one piece's array to the next one's.
  let step: Int

  init(
    _ role: Int32,
    _ description: dnnl_memory_desc_t,
    _ buffer: FloatBuffer,
    at start: Int = 0,
    step: Int = 0
  ) {
    self.role = role
    self.description = description
    self.buffer = buffer
    self.start = start
    self.step = step
  }
}

extension OneDNN {
  /// Prepares the call of one piece of some work.
  func call(
    _ operation: Operation,
    _ arguments: [CallArgument],
    piece: Int = 0,
    scratchpad: FloatBuffer
  ) throws(ConvNetError) -> Call {
    try unsafe call(
      operation,
      list(arguments, piece),
      scratchpad: scratchpad
    )
  }

  /// The same with a source that is none of our buffers.
  func call(
    _ operation: Operation,
    source: Memory,
    _ arguments: [CallArgument],
    piece: Int,
    scratchpad: FloatBuffer
  ) throws(ConvNetError) -> Call {
    var all = try unsafe list(arguments, piece)
    unsafe all.append((DNNL_ARG_SRC, source))
    return try unsafe call(operation, all, scratchpad: scratchpad)
  }

  /// Prepares the calls of all pieces of some work, in order.
  func calls(
    _ operation: Operation,
    pieces: Int,
    _ arguments: [CallArgument],
    scratchpad: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    var calls: [Call] = []
    for piece in 0..<pieces {
      calls.append(
        try call(operation, arguments, piece: piece, scratchpad: scratchpad)
      )
    }
    return calls
  }

  private func list(
    _ arguments: [CallArgument],
    _ piece: Int
  ) throws(ConvNetError) -> [(role: Int32, memory: Memory)] {
    var result: [(role: Int32, memory: Memory)] = unsafe []
    for argument in arguments {
      let memory = try unsafe self.memory(
        argument.description,
        argument.buffer,
        at: argument.start + piece * argument.step
      )
      unsafe result.append((argument.role, memory))
    }
    return unsafe result
  }
}
