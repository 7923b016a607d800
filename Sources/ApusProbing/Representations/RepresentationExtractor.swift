import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor

/// A frozen encoder's hidden states of recordings.
///
/// Recordings are read on other threads, some blocks ahead of the encoder; those of a block are sorted
/// by length and go through it in padded batches, in evaluation, in 32-bit floats if not said otherwise.
/// What comes out for a recording does not depend on what shares its batch.
///
/// One that is longer than `longestAtOnce` is read and encoded in parts of `partDuration`, in memory
/// that doesn't grow with it: with the frames around it that convolutions look at, and recurrent
/// layers carried on, which gives what the whole would give. Where a layer looks at the whole
/// recording (attention, a context of the future), each part sees `overlap` on either side instead, and
/// its positions count from there.
public final class RepresentationExtractor: RepresentationSource {
    /// The model.
    public let model: PretrainedModel
    /// Where features come from.
    public let store: FeatureStore
    /// Statistics of earlier runs, where they are kept.
    public let cache: RepresentationCache?
    /// The precision of the encoder's products.
    public let precision: Precision
    private let workers: Int
    private let opening: (@Sendable (Cut) throws -> SoundFile)?

    /// What lasts longer is encoded in parts (s).
    public static let longestAtOnce = 60.0
    /// How long a part is (s).
    public static let partDuration = 20.0
    /// What a part sees on either side where a layer looks at the whole recording (s).
    public static let overlap = 5.0

    /// T · B of a batch, in the encoder's frames, stays below this.
    private static let largestFrameCount = 8192
    /// B · T² of a batch stays below this, which bounds the memory of attention.
    private static let largestAttention = 1 << 23
    /// The shortest recording of a batch is at least so long as a share of the longest: the rest of its
    /// row is padding, which costs as much as frames.
    private static let smallestShare = 0.8
    /// How many bytes of features wait for the encoder, and how many it takes at a time.
    private static let largestBlock = 32 << 20
    /// The first block is small, so that the encoder need not wait long for it.
    private static let firstBlock = 1 << 20

    /// An extractor.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - store: A store to share features with others; `nil` for one without a cache.
    ///   - workers: How many recordings are read at a time.
    ///   - cache: Where statistics of recordings are kept between runs; `nil` for nowhere.
    ///   - precision: The precision of the encoder's products.
    ///   - opening: Opens a recording's file; `nil` for files that say their own format.
    /// - Throws: `PretrainingError.otherFrontEnd` for a store of another front end, `SignalError`
    ///   for a front end that can't be used.
    public init(
        _ model: PretrainedModel, store: FeatureStore? = nil, workers: Int = 2,
        cache: RepresentationCache? = nil, precision: Precision = .float32,
        opening: (@Sendable (Cut) throws -> SoundFile)? = nil
    ) throws {
        if let store { try model.require(store.frontEnd) }
        self.model = model
        self.store =
            try store ?? FeatureStore(frontEnd: model.card.frontEnd, cacheByteLimit: 0)
        self.precision = precision
        self.workers = workers
        // A file that is opened in another way is another recording with the same bytes.
        self.cache = opening == nil ? cache : nil
        self.opening = opening
    }

    /// The model's fingerprint, and the precision: it takes a second for each 300 MB of weights and core,
    /// so it is made once.
    private(set) lazy var fingerprint: String = {
        let model = model.fingerprint()
        guard precision != .float32 else { return model }
        var hash = SHA256()
        hash.update("\(model) \(precision.rawValue)")
        return hash.finalize()
    }()

    /// Each layer's mean and standard deviation over a recording's frames.
    static func statistics(of layers: [FeatureMatrix]) -> [[Float]] {
        layers.map { Pooling.meanAndStandardDeviation($0).values }
    }

    /// The names of the encoder's hidden states.
    public var layerNames: [String] { model.encoder.layerNames }
    /// D of each hidden state.
    public var layerWidths: [Int] { model.encoder.layerWidths }
    /// From one frame of a hidden state to the next, in feature frames.
    public var stride: Int { model.encoder.stride }

    /// Visits the hidden states of every recording, block by block, and shortest first in a block.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording: with its position in `cuts` and, for each layer,
    ///     T' x D frames or the problem.
    /// - Throws: What `body` throws.
    public func forEachRecording<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ layers: Result<[FeatureMatrix], CorpusError>) throws(Failure) ->
            Void
    ) throws(Failure) {
        var parts: [[FeatureMatrix]] = []
        try forEachPart(of: cuts, examine: { _ in (0, false) }) {
            (index, _, event) throws(Failure) in
            switch event {
            case .known: break
            case .failure(let problem):
                parts = []
                try body(index, .failure(problem))
            case .part(let layers, let isLast):
                parts.append(layers)
                guard isLast else { return }
                let whole = parts.count == 1 ? layers : Self.joined(parts)
                parts = []
                try body(index, .success(whole))
            }
        }
    }

    /// What comes of a recording.
    enum Event {
        /// Nothing had to be computed.
        case known
        /// Some of its frames for each layer, in order; only long recordings have several parts.
        case part([FeatureMatrix], isLast: Bool)
        case failure(CorpusError)
    }

    /// Visits the hidden states of every recording as they are computed.
    ///
    /// The parts of a long recording come one after another, after all recordings before it; others
    /// come in any order that depends on `cuts` alone, but never after recordings of a later block.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - wanted: The layers that are wanted; `nil` for all.
    ///   - examine: Called on other threads before a recording is read: what is noted of it, and
    ///     whether it needn't be read.
    ///   - body: Called with a recording's position in `cuts`, what was noted, and what came of it.
    /// - Throws: What `body` throws.
    func forEachPart<Note: Sendable, Failure: Error>(
        of cuts: [Cut], wanted: Range<Int>? = nil,
        examine: @escaping @Sendable (Cut) -> (note: Note, isKnown: Bool),
        _ body: (_ index: Int, _ note: Note, _ event: Event) throws(Failure) -> Void
    ) throws(Failure) {
        let wanted = wanted ?? model.encoder.layerNames.indices
        var block: [Waiting<Note>] = []
        var (byteCount, limit) = (0, Self.firstBlock)
        func encodeBlock() throws(Failure) {
            defer {
                block = []
                byteCount = 0
            }
            block.sort { ($0.features.frameCount, $0.index) < ($1.features.frameCount, $1.index) }
            let stride = model.encoder.stride
            for batch in Self.batches(block.map { max(1, $0.features.frameCount / stride) }) {
                let members = block[batch]
                let states = hiddenStates(of: members.map(\.features), wanted)
                for (member, layers) in zip(members, states) {
                    try body(member.index, member.note, .part(layers, isLast: true))
                }
            }
        }
        try forEachInOrder(
            cuts, workers: workers, ahead: 4096, held: Self.largestBlock, cost: { $0.byteCount },
            make: { [store, opening] in Prepared($0, store, opening, examine) }
        ) { (index, prepared) throws(Failure) in
            switch prepared.content {
            case .known: try body(index, prepared.note, .known)
            case .failure(let problem): try body(index, prepared.note, .failure(problem))
            case .features(let features):
                block.append(Waiting(index: index, note: prepared.note, features: features))
                byteCount += prepared.byteCount
                if byteCount >= limit {
                    try encodeBlock()
                    limit = min(2 * limit, Self.largestBlock)
                }
            case .long:
                try encodeBlock()
                try forEachPart(of: cuts[index], wanted) { (event) throws(Failure) in
                    try body(index, prepared.note, event)
                }
            }
        }
        try encodeBlock()
    }

    /// A recording that waits for its batch.
    private struct Waiting<Note> {
        var index: Int
        var note: Note
        var features: FeatureMatrix
    }

    /// What a thread makes of a recording before it is encoded.
    private struct Prepared<Note: Sendable>: Sendable {
        enum Content: Sendable {
            case known
            case features(FeatureMatrix)
            /// It is read while it is encoded.
            case long
            case failure(CorpusError)
        }
        var note: Note
        var content: Content
        var byteCount: Int {
            if case .features(let features) = content { 4 * features.values.count } else { 0 }
        }

        init(
            _ cut: Cut, _ store: FeatureStore, _ opening: (@Sendable (Cut) throws -> SoundFile)?,
            _ examine: @Sendable (Cut) -> (note: Note, isKnown: Bool)
        ) {
            let (note, isKnown) = examine(cut)
            self.note = note
            guard !isKnown else {
                content = .known
                return
            }
            // What is opened in a way of its own, as a stream, can be opened only once.
            guard opening == nil else {
                content = .long
                return
            }
            do {
                let file = try SoundFile(path: cut.audioPath)
                let duration = cut.duration ?? file.duration - cut.offset
                content =
                    duration > RepresentationExtractor.longestAtOnce
                    ? .long : .features(try store.features(of: cut))
            } catch let error as CorpusError {
                content = .failure(error)
            } catch {
                content = .failure(badRecording(cut, error))
            }
        }
    }

    /// Encodes a long recording part by part, while another thread reads ahead.
    private func forEachPart<Failure: Error>(
        of cut: Cut, _ wanted: Range<Int>, _ body: (Event) throws(Failure) -> Void
    ) throws(Failure) {
        let plan = PartPlan(model)
        let frontEnd = model.card.frontEnd
        let states = RecurrentStates()
        try forEachAhead(
            makeSource: { [opening] in
                let file = try opening?(cut) ?? SoundFile(path: cut.audioPath)
                let reader = try FeatureReader(
                    file, frontEnd, offset: cut.offset, duration: cut.duration,
                    channels: cut.channelSelection)
                let cutter = PartCutter(reader, plan)
                return { try cutter.next() }
            }
        ) { (part) throws(Failure) in
            switch part {
            case .success(let part):
                let layers = encoded(part, plan, states, wanted)
                try body(.part(layers, isLast: part.isLast))
            case .failure(let error): try body(.failure(badRecording(cut, error)))
            }
        }
    }

    private func encoded(
        _ part: PartCutter.Part, _ plan: PartPlan, _ states: RecurrentStates, _ wanted: Range<Int>
    ) -> [FeatureMatrix] {
        let features = part.features
        return withoutGradients {
            states.beginPart()
            let outputs = (part.own.upperBound + plan.stride - 1) / plan.stride
            let own = part.own.lowerBound / plan.stride..<outputs
            let layers = withPrecision(precision) {
                model.encoder.part(
                    Tensor(
                        features.values, shape: [1, features.frameCount, features.featureCount]),
                    own: own, states: states)
            }
            return layers[wanted].map {
                FeatureMatrix(
                    values: $0.floats, frameCount: $0.shape[1], featureCount: $0.shape[2])
            }
        }
    }

    /// The hidden states of one batch.
    ///
    /// - Parameter recordings: T x M features of each recording, made by the model's front end.
    /// - Returns: For each recording and layer, T' x D frames.
    public func hiddenStates(of recordings: [FeatureMatrix]) -> [[FeatureMatrix]] {
        hiddenStates(of: recordings, model.encoder.layerNames.indices)
    }

    private func hiddenStates(
        of recordings: [FeatureMatrix], _ wanted: Range<Int>
    ) -> [[FeatureMatrix]] {
        guard let bandCount = recordings.first?.featureCount else { return [] }
        let lengths = recordings.map(\.frameCount)
        let longest = lengths.max() ?? 0
        var padded: [Float] = []
        padded.reserveCapacity(recordings.count * longest * bandCount)
        for features in recordings {
            precondition(features.frameCount > 0, "a recording has at least one frame")
            padded += features.values
            padded += repeatElement(0, count: (longest - features.frameCount) * bandCount)
        }
        return withoutGradients {
            let batch = Tensor(padded, shape: [recordings.count, longest, bandCount])
            let states = withPrecision(precision) {
                model.encoder(batch, lengths: lengths, draws: nil)
            }
            var result = [[FeatureMatrix]](repeating: [], count: recordings.count)
            for layer in states.layers[wanted] {
                let (frameCount, width) = (layer.shape[1], layer.shape[2])
                let values = layer.floats
                for (row, length) in states.lengths.enumerated() {
                    let start = row * frameCount * width
                    result[row].append(
                        FeatureMatrix(
                            values: Array(values[start..<start + length * width]),
                            frameCount: length, featureCount: width))
                }
            }
            return result
        }
    }

    /// Consecutive recordings of ascending numbers of frames as batches within the bounds.
    private static func batches(_ lengths: [Int]) -> [Range<Int>] {
        var batches: [Range<Int>] = []
        for (index, frames) in lengths.enumerated() {
            let count = (batches.last?.count ?? 0) + 1
            let shortest = batches.last.map { lengths[$0.lowerBound] } ?? frames
            let fits =
                count > 1 && count * frames <= largestFrameCount
                && count * frames * frames <= largestAttention
                && Double(shortest) >= smallestShare * Double(frames)
            if fits, let last = batches.popLast() {
                batches.append(last.lowerBound..<index + 1)
            } else {
                batches.append(index..<index + 1)
            }
        }
        return batches
    }

    /// The frames of all parts one after another, for each layer.
    private static func joined(_ parts: [[FeatureMatrix]]) -> [FeatureMatrix] {
        (parts.first ?? []).indices.map { layer in
            let pieces = parts.map { $0[layer] }
            return FeatureMatrix(
                values: pieces.flatMap(\.values),
                frameCount: pieces.reduce(0) { $0 + $1.frameCount },
                featureCount: pieces[0].featureCount)
        }
    }
}
