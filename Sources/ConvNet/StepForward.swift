internal import CKernels

extension TrainingStep {
  /// From the images to the loss and its gradient at the last layer.
  func forward(_ lane: StepLane, _ team: TeamState) {
    let batch = buffers.batch
    team.chunks(batch) { convolve1($0, lane) }
    team.barrier()
    lane.normalization1.finishStatistics(buffers.block1)
    team.chunks(batch) { convolve2($0, lane) }
    team.barrier()
    lane.normalization2.finishStatistics(buffers.block2)
    team.chunks(batch) { gatherFeatures($0, lane) }
    team.barrier()
    team.chunks(StepChunks.pieces1) { piece in
      linear(
        places.linear1,
        from: buffers.features,
        to: buffers.hidden1,
        rows: piece * StepChunks.rows1..<(piece + 1) * StepChunks.rows1
      )
    }
    team.barrier()
    team.chunks(StepChunks.pieces2) { piece in
      linear(
        places.linear2,
        from: buffers.hidden1,
        to: buffers.hidden2,
        rows: piece * StepChunks.rows2..<(piece + 1) * StepChunks.rows2
      )
    }
    team.barrier()
    // So little work that every thread does it all.
    linear(
      places.linear3,
      from: buffers.hidden2,
      to: lane.logits,
      rows: 0..<10,
      relu: false
    )
    unsafe lane.loss = pth_cross_entropy(
      lane.logits.base,
      buffers.labels,
      Int32(batch),
      10,
      loss == .softmaxOutput,
      lane.logitsGradient.base,
      &lane.hits
    )
  }

  @inline(__always)
  private func convolve1(_ image: Int, _ lane: StepLane) {
    let padded = unsafe buffers.padded.at(image * StepBuffers.paddedLength)
    let source = unsafe buffers.images[image]
    for row in 0..<28 {
      unsafe (padded + (row + 1) * 30 + 1).update(
        from: source + row * 28,
        count: 28
      )
    }
    lane.run(lane.convolution1[image])
    buffers.block1.measure(image)
  }

  @inline(__always)
  private func convolve2(_ image: Int, _ lane: StepLane) {
    let block = buffers.block1
    unsafe block.pool(
      image,
      lane.normalization1,
      to: buffers.pooled1.at(image * block.pooledLength)
    )
    lane.run(lane.convolution2[image])
    buffers.block2.measure(image)
  }

  @inline(__always)
  private func gatherFeatures(_ image: Int, _ lane: StepLane) {
    let block = buffers.block2
    // The gradient's array is free until the backward pass.
    let blocked = unsafe block.pooledGradient.at(image * block.pooledLength)
    unsafe block.pool(image, lane.normalization2, to: blocked)
    unsafe pth_unblock(blocked, 32, 49, buffers.features.at(image * 1568))
  }

  /// Some outputs of a linear layer, with ReLU unless it is the last one.
  @inline(__always)
  private func linear(
    _ layer: ParameterStarts.Layer,
    from input: FloatBuffer,
    to output: FloatBuffer,
    rows: Range<Int>,
    relu: Bool = true
  ) {
    let inputs = input.count / buffers.batch
    unsafe pth_linear(
      input.base,
      buffers.parameters.at(layer.weight + rows.lowerBound * inputs),
      buffers.parameters.at(layer.bias + rows.lowerBound),
      Int32(buffers.batch),
      Int32(inputs),
      Int32(rows.count),
      Int32(output.count / buffers.batch),
      relu,
      output.at(rows.lowerBound)
    )
  }
}
