internal import CKernels

extension TrainingStep {
  /// From the last layer's gradient to every parameter's.
  func backward(_ lane: StepLane, _ team: TeamState) {
    let batch = buffers.batch
    // So little work that every thread does it all.
    lane.run(lane.linear3.inputGradient[0])
    passReLU(buffers.hidden2, lane.hiddenGradient2, columns: 0..<196)
    let columns2 = StepChunks.columnPieces2
    team.chunks(columns2 + StepChunks.pieces2 + 1) { piece in
      if piece < columns2 {
        hiddenGradient(piece, lane)
      } else if piece < columns2 + StepChunks.pieces2 {
        weightGradient(
          piece - columns2,
          lane.linear2,
          places.linear2,
          length: StepChunks.rows2 * 392,
          slots: StepChunks.normLinear2,
          lane
        )
      } else {
        smallGradients(lane)
      }
    }
    team.barrier()
    let columns1 = StepChunks.columnPieces1
    team.chunks(columns1 + StepChunks.pieces1 + 1) { piece in
      if piece < columns1 {
        lane.run(lane.linear1.inputGradient[piece])
      } else if piece < columns1 + StepChunks.pieces1 {
        weightGradient(
          piece - columns1,
          lane.linear1,
          places.linear1,
          length: StepChunks.rows1 * 1568,
          slots: StepChunks.normLinear1,
          lane
        )
      } else {
        let bias = places.linear1.bias
        sumColumns(buffers.hiddenGradient1, to: bias)
        note(StepChunks.normBias1, squares(bias, 392))
      }
    }
    team.barrier()
    team.chunks(batch) { featureGradient($0, lane) }
    team.barrier()
    lane.normalization2.finishGradient(buffers.block2)
    team.chunks(batch) { convolutionGradient2($0, lane) }
    team.barrier()
    lane.normalization1.finishGradient(buffers.block1)
    team.chunks(batch + 1) { piece in
      if piece == 0 {
        addWeightParts2(lane)
      } else {
        convolutionGradient1(piece - 1, lane)
      }
    }
    team.barrier()
  }

  @inline(__always)
  private func hiddenGradient(_ piece: Int, _ lane: StepLane) {
    lane.run(lane.linear2.inputGradient[piece])
    let first = piece * StepChunks.columns2
    passReLU(
      buffers.hidden1,
      buffers.hiddenGradient1,
      columns: first..<first + StepChunks.columns2
    )
  }

  /// Zeroes the gradient of what ReLU did not let through.
  @inline(__always)
  private func passReLU(
    _ activation: FloatBuffer,
    _ gradient: FloatBuffer,
    columns: Range<Int>
  ) {
    unsafe pth_relu_gradient(
      activation.at(columns.lowerBound),
      Int32(buffers.batch),
      Int32(columns.count),
      Int32(activation.count / buffers.batch),
      gradient.at(columns.lowerBound)
    )
  }

  /// A piece of the gradient of a linear layer's weights.
  @inline(__always)
  private func weightGradient(
    _ piece: Int,
    _ layer: LinearGradients,
    _ place: ParameterStarts.Layer,
    length: Int,
    slots: Int,
    _ lane: StepLane
  ) {
    lane.run(layer.weightGradient[piece])
    note(slots + piece, squares(place.weight + piece * length, length))
  }

  /// The gradient of a layer's biases: that of its outputs, summed over the
  /// images.
  @inline(__always)
  private func sumColumns(_ gradient: FloatBuffer, to start: Int) {
    let columns = Int32(gradient.count / buffers.batch)
    unsafe pth_column_sums(
      gradient.base,
      Int32(buffers.batch),
      columns,
      columns,
      buffers.gradient.at(start)
    )
  }

  /// The last layer's weights and the last two layers' biases.
  @inline(__always)
  private func smallGradients(_ lane: StepLane) {
    lane.run(lane.linear3.weightGradient[0])
    let bias3 = places.linear3.bias
    let bias2 = places.linear2.bias
    sumColumns(lane.logitsGradient, to: bias3)
    sumColumns(lane.hiddenGradient2, to: bias2)
    note(
      StepChunks.normSmall,
      squares(places.linear3.weight, 1960) + squares(bias3, 10)
        + squares(bias2, 196)
    )
  }

  @inline(__always)
  private func featureGradient(_ image: Int, _ lane: StepLane) {
    let block = buffers.block2
    unsafe pth_block(
      buffers.featureGradient.at(image * 1568),
      32,
      49,
      block.pooledGradient.at(image * block.pooledLength)
    )
    block.sumGradient(image, lane.normalization2)
  }

  @inline(__always)
  private func convolutionGradient2(_ image: Int, _ lane: StepLane) {
    unsafe buffers.block2.mapGradient(
      image,
      lane.normalization2,
      to: lane.mapGradient2.base
    )
    lane.run(lane.weightGradient2[image])
    lane.run(lane.inputGradient2[image])
    buffers.block1.sumGradient(image, lane.normalization1)
  }

  @inline(__always)
  private func convolutionGradient1(_ image: Int, _ lane: StepLane) {
    unsafe buffers.block1.weightGradient(
      image,
      lane.normalization1,
      padded: buffers.padded.at(image * StepBuffers.paddedLength),
      scratch: lane.rows1
    )
  }

  /// Everything of the second convolution and its BatchNorm.
  @inline(__always)
  private func addWeightParts2(_ lane: StepLane) {
    let parts = buffers.block2.weightParts
    let part = Int32(parts.count / buffers.batch)
    unsafe pth_add_parts(
      parts.base,
      Int32(buffers.batch),
      part,
      part,
      lane.sumParts.base
    )
    lane.run(lane.unpack2)
    let bias = places.convolution2.bias
    for channel in 0..<32 {
      unsafe buffers.gradient.base[bias + channel] = buffers.block2
        .biasGradient(channel, batch: buffers.batch)
    }
    let gamma = places.normalization2.weight
    unsafe buffers.gradient.at(gamma).update(
      from: lane.normalization2.gammaGradient.base,
      count: 32
    )
    let beta = places.normalization2.bias
    unsafe buffers.gradient.at(beta).update(
      from: lane.normalization2.betaGradient.base,
      count: 32
    )
    let first = places.convolution2.weight
    note(
      StepChunks.normConvolution2,
      squares(first, beta + 32 - first)
    )
  }

  /// The sum of squares of a part of the gradient.
  @inline(__always)
  private func squares(_ start: Int, _ count: Int) -> Double {
    unsafe pth_sum_of_squares(buffers.gradient.at(start), Int32(count))
  }

  @inline(__always)
  private func note(_ slot: Int, _ sum: Double) {
    unsafe buffers.norms.at(slot).pointee = sum
  }
}
