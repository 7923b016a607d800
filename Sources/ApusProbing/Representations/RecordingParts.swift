import ApusPretraining
import ApusSignal

/// How a model takes a long recording in parts.
struct PartPlan: Hashable, Sendable {
    /// The number of frames of features of a part; a multiple of the stride.
    var frameCount: Int
    /// How many earlier frames a part sees; a multiple of the stride.
    var before: Int
    /// How many later frames it sees.
    var after: Int
    /// The encoder's stride.
    var stride: Int

    /// The parts of a model.
    init(_ model: PretrainedModel) {
        let (encoder, rate) = (model.encoder, model.card.frontEnd.frameRate)
        let stride = encoder.stride
        func frames(_ seconds: Double) -> Int { Int((seconds * rate).rounded(.up)) }
        func aligned(_ count: Int) -> Int { (count + stride - 1) / stride * stride }
        let reach = encoder.surroundings
        let overlap = reach.isWholeRecording ? frames(RepresentationExtractor.overlap) : 0
        self.stride = stride
        frameCount = aligned(max(1, frames(RepresentationExtractor.partDuration)))
        before = aligned(reach.before + overlap)
        after = reach.after + overlap
    }
}

/// Cuts the features of a recording into parts as they are read.
final class PartCutter {
    /// A part with the frames around it.
    struct Part: Sendable {
        var features: FeatureMatrix
        /// Which of the frames are the part's own.
        var own: Range<Int>
        var isLast: Bool
    }

    private let reader: FeatureReader
    private let plan: PartPlan
    /// The frames from `bufferStart` on that were read.
    private var buffer: [Float] = []
    private var bufferStart = 0
    /// Where the next part's own frames begin.
    private var start = 0
    private var isAtEnd = false

    init(_ reader: FeatureReader, _ plan: PartPlan) {
        (self.reader, self.plan) = (reader, plan)
    }

    /// The next part; nil after the last.
    func next() throws -> Part? {
        let width = reader.frontEnd.featureCount
        // One frame more tells whether this part is the last.
        let needed = start + plan.frameCount + max(plan.after, 1)
        while !isAtEnd, bufferStart + buffer.count / width < needed {
            if let block = try reader.next() {
                buffer += block.values
            } else {
                isAtEnd = true
            }
        }
        let available = bufferStart + buffer.count / width
        guard start < available else { return nil }
        let first = max(0, start - plan.before)
        let end = min(start + plan.frameCount, available)
        let last = min(end + plan.after, available)
        buffer.removeFirst((first - bufferStart) * width)
        bufferStart = first
        let part = Part(
            features: FeatureMatrix(
                values: Array(buffer[..<((last - first) * width)]), frameCount: last - first,
                featureCount: width),
            own: start - first..<end - first, isLast: isAtEnd && end == available)
        start = end
        return part
    }
}
