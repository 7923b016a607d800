import ApusSignal
import Foundation

/// A front end in ONNX's operators, from samples to rows of bands. `FrontEnd+ONNXSequence.swift` has
/// what comes after.
///
/// The transform is a product with its matrix, which every runtime has. Dither is for training alone
/// and left out, as everywhere outside of it; resampling is up to whoever reads the recording.
extension ONNXGraph {
    /// The features of recordings of one length.
    ///
    /// - Parameters:
    ///   - samples: (B, N) at the front end's rate, full scale 1.
    ///   - frontEnd: What the features are.
    /// - Returns: (B, T, D).
    func features(of samples: Value, _ frontEnd: FrontEnd) -> Value {
        if frontEnd.kind == .waveform { return wholeFrames(of: samples, frontEnd) }
        var (rows, energy) = spectra(of: frames(of: samples, frontEnd), frontEnd)
        if let bank = frontEnd.melFilterBank {
            let columns = (0..<bank.bandCount).map { bank.weights(band: $0) }
            let matrix = (0..<bank.binCount).flatMap { bin in columns.map { $0[bin] } }
            rows = apply(
                "MatMul", rows, floats(matrix, shape: [bank.binCount, bank.bandCount]))
        }
        rows = bounded(compressed(rows, frontEnd), frontEnd)
        return sequence(levels(rows, energy: energy, frontEnd), frontEnd)
    }

    /// Features that are the samples: (B, T, L).
    private func wholeFrames(of samples: Value, _ frontEnd: FrontEnd) -> Value {
        let length = frontEnd.frameLengthInSamples
        let scaled = scale(samples, by: Double(frontEnd.waveformScale))
        guard length > 1 else { return withDimension(scaled, at: 2) }
        let count = analysisFrameCount(of: samples, frontEnd)
        let kept = apply(
            "Slice", scaled, integers([0]), withDimension(multiply(count, length), at: 0),
            integers([1]))
        return apply(
            "Reshape", kept,
            vector([dimension(0, of: samples), count, integer(length)]))
    }

    /// T, before stacking.
    private func analysisFrameCount(of samples: Value, _ frontEnd: FrontEnd) -> Value {
        let shift = frontEnd.frameShiftInSamples
        let sampleCount = dimension(1, of: samples)
        func shifts(_ count: Value) -> Value { divide(count, integer(shift)) }
        let count =
            switch frontEnd.edges {
            case .snip:
                add(shifts(add(sampleCount, -frontEnd.frameLengthInSamples)), 1)
            case .wholeTransforms:
                add(shifts(add(sampleCount, -frontEnd.transformLength)), 1)
            case .mirror: shifts(add(sampleCount, shift / 2))
            case .centeredReflect, .centeredZero:
                add(shifts(add(sampleCount, -(frontEnd.transformLength % 2))), 1)
            }
        return frontEnd.omitsLastFrame ? add(count, -1) : count
    }

    /// The scaled samples of each frame: (B, T, L).
    private func frames(of samples: Value, _ frontEnd: FrontEnd) -> Value {
        let starts = add(
            multiply(
                range(analysisFrameCount(of: samples, frontEnd)), frontEnd.frameShiftInSamples),
            frontEnd.firstSampleOfFrames)
        let places = add(
            withDimension(starts, at: 1),
            integers(Array(0..<frontEnd.frameLengthInSamples)))  // (T, L)
        let scaled = scale(samples, by: Double(frontEnd.waveformScale))
        switch frontEnd.edges {
        case .snip, .wholeTransforms: return gathered(scaled, places, axis: 1)
        case .mirror: return mirrored(scaled, at: places, doubling: 1)
        case .centeredReflect: return mirrored(scaled, at: places, doubling: 0)
        case .centeredZero:
            let count = dimension(1, of: samples)
            let isOutside = apply(
                "Or", apply("Less", places, integer(0)),
                apply("GreaterOrEqual", places, count))
            let padded = apply("Pad", scaled, integers([0, 0, 0, 1]), number(0))
            return gathered(padded, apply("Where", isOutside, count, places), axis: 1)
        }
    }

    /// `FrameEdges.sourceIndex`, with the end samples once more in the image or not.
    private func mirrored(_ samples: Value, at places: Value, doubling: Int) -> Value {
        let count = dimension(1, of: samples)
        let period = larger(add(multiply(count, 2), 2 * doubling - 2), integer(1))
        let inPeriod = apply("Mod", places, period)
        let image = add(subtract(period, inPeriod), -doubling)
        return gathered(
            samples, apply("Where", apply("Less", inPeriod, count), inPeriod, image), axis: 1)
    }

    /// Bins of each frame (B, T, F), and its log energy (B, T, 1).
    private func spectra(
        of frames: Value, _ frontEnd: FrontEnd
    ) -> (bins: Value, energy: Value?) {
        var frames = frames
        if frontEnd.removesDCOffset { frames = subtract(frames, mean(frames, axis: 2)) }
        func energy(_ frames: Value) -> Value {
            let energy = sum(multiply(frames, frames), axis: 2)
            return apply("Log", larger(energy, number(Double(frontEnd.smallestEnergy))))
        }
        let raw = frontEnd.energy == .raw ? energy(frames) : nil
        let length = frontEnd.frameLengthInSamples
        if frontEnd.preEmphasis > 0 {
            let first = sliced(frames, from: 0, to: 1, axis: 2)
            let before = concatenated(
                [first, sliced(frames, from: 0, to: length - 1, axis: 2)], axis: 2)
            frames = subtract(frames, scale(before, by: Double(frontEnd.preEmphasis)))
        }
        frames = multiply(frames, floats(frontEnd.windowWeights, shape: [length]))
        let windowed = frontEnd.energy == .windowed ? energy(frames) : nil
        let binCount = frontEnd.transformLength / 2 + 1
        func part(_ function: (Double) -> Double) -> Value {
            let matrix = (0..<length).flatMap { sample in
                (0..<binCount).map { bin in
                    // The remainder keeps the angle exact.
                    let turns = sample * bin % frontEnd.transformLength
                    return Float(
                        function(
                            2 * Double.pi * Double(turns) / Double(frontEnd.transformLength)))
                }
            }
            let product = apply(
                "MatMul", frames, floats(matrix, shape: [length, binCount]))
            return multiply(product, product)
        }
        let power = add(part(cos), part(sin))
        return (
            frontEnd.spectrum == .power ? power : apply("Sqrt", power), raw ?? windowed
        )
    }

    /// Logarithms or normalised energies of bins or bands.
    private func compressed(_ rows: Value, _ frontEnd: FrontEnd) -> Value {
        if let pcen = frontEnd.pcen, let smoothing = frontEnd.pcenSmoothing {
            return normalizedEnergies(rows, pcen, smoothing: Double(smoothing))
        }
        guard frontEnd.log != .none else { return rows }
        let floor = number(Double(frontEnd.logFloor))
        let floored =
            frontEnd.logFloorMode == .add ? add(rows, floor) : larger(rows, floor)
        return scale(apply("Log", floored), by: Double(frontEnd.logFactor))
    }

    /// `PCENCompressor`: (B, T, M) of (B, T, M).
    private func normalizedEnergies(_ rows: Value, _ pcen: PCEN, smoothing: Double) -> Value {
        let body = ONNXGraph(name: "smoothing", prefix: "smoothing.")
        let shape = [Dimension.named("batch"), .named("bands")]
        let before = body.input("before", shape: shape)
        let energy = body.input("energy", shape: shape)
        let after = body.add(
            body.scale(energy, by: smoothing), body.scale(before, by: 1 - smoothing))
        body.output(after, name: "after", shape: shape)
        body.output(after, name: "smoothed", shape: shape)
        let first = apply(
            "Expand", number(1), vector([dimension(0, of: rows), dimension(2, of: rows)]))
        let smoothed = applyMany(
            "Scan", first, rows, outputCount: 2,
            attributes: [
                .graph("body", body), .int("num_scan_inputs", 1), .ints("scan_input_axes", [1]),
                .ints("scan_output_axes", [1]),
            ])[1]
        let logarithm = add(
            apply("Log", add(scale(smoothed, by: 1 / pcen.epsilon), number(1))),
            number(log(pcen.epsilon)))
        let gained = multiply(rows, apply("Exp", scale(logarithm, by: -pcen.gain)))
        if pcen.power == 0 { return apply("Log", add(gained, number(1))) }
        if pcen.bias == 0 { return apply("Pow", gained, number(pcen.power)) }
        let root = apply("Pow", add(gained, number(pcen.bias)), number(pcen.power))
        return subtract(root, number(pow(pcen.bias, pcen.power)))
    }

    /// `dynamicRange` and `logReference`, which look at the recording's largest value.
    private func bounded(_ rows: Value, _ frontEnd: FrontEnd) -> Value {
        guard frontEnd.needsMaximum else { return rows }
        let maximum = apply(
            "ReduceMax", rows, attributes: [.ints("axes", [1, 2]), .int("keepdims", 1)])
        var rows = rows
        if let range = frontEnd.dynamicRange {
            rows = larger(
                rows, subtract(maximum, number(range * Double(frontEnd.decibel))))
        }
        return frontEnd.logReference == .maximum ? subtract(rows, maximum) : rows
    }

    /// Bands and the energy beside them, or cepstra, and their deltas.
    private func levels(_ bands: Value, energy: Value?, _ frontEnd: FrontEnd) -> Value {
        let rows =
            frontEnd.kind == .mfcc
            ? cepstra(of: bands, energy: energy, frontEnd)
            : placed(bands, energy: energy, frontEnd)
        return withDeltas(rows, frontEnd)
    }

    private func placed(_ bands: Value, energy: Value?, _ frontEnd: FrontEnd) -> Value {
        func scaled(_ value: Value) -> Value {
            guard frontEnd.outputScale != 1 || frontEnd.outputOffset != 0 else { return value }
            return add(
                scale(value, by: Double(frontEnd.outputScale)),
                number(Double(frontEnd.outputOffset)))
        }
        guard let energy = energy.map(scaled) else { return scaled(bands) }
        let bands = scaled(bands)
        if frontEnd.kind == .spectrogram {
            return concatenated([energy, sliced(bands, from: 1, to: .max, axis: 2)], axis: 2)
        }
        return concatenated(frontEnd.htkOrder ? [bands, energy] : [energy, bands], axis: 2)
    }

    /// `Cepstrum`: (B, T, K) of (B, T, M).
    private func cepstra(of bands: Value, energy: Value?, _ frontEnd: FrontEnd) -> Value {
        let (bandCount, count) = (frontEnd.melBandCount, frontEnd.cepstrumCount)
        let weights = frontEnd.cepstrumWeights
        /// The coefficients of a range, side by side.
        func coefficients(_ range: Range<Int>) -> Value {
            let matrix = (0..<bandCount).flatMap { band in
                range.map { weights[$0 * bandCount + band] }
            }
            return apply(
                "MatMul", bands, floats(matrix, shape: [bandCount, range.count]))
        }
        let first = energy ?? coefficients(0..<1)
        guard count > 1 else { return first }
        let others = coefficients(1..<count)
        return concatenated(frontEnd.htkOrder ? [others, first] : [first, others], axis: 2)
    }
}
