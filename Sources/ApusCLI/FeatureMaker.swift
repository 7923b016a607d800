import ApusCorpus
import ApusProbing
import ApusSignal
import Foundation

/// Makes what is written of a recording; every way in which one is read ends here.
struct FeatureMaker: Sendable {
    /// What is written of a recording.
    enum Content: Sendable {
        case features(FeatureMatrix)
        case picture(FeatureMatrix, png: Data)
        /// The recording is long: its features are made block by block while they are written.
        case long
    }

    /// What was made, and the state of the recording's file before it was read.
    struct Made: Sendable {
        var source: SourceState?
        var mask: [Bool]?
        var content: Result<Content, any Error>
    }

    /// A recording that lasts longer is made block by block (s).
    private static let longDuration = 600.0

    /// How samples become features.
    let frontEnd: FrontEnd
    private let source: RecordingSource
    private let store: FeatureStore
    private let drawsPictures: Bool
    private let makesMasks: Bool

    /// Prepares the extractors.
    init(
        _ frontEnd: FrontEnd, source: RecordingSource, drawsPictures: Bool, makesMasks: Bool
    ) throws {
        self.frontEnd = frontEnd
        self.source = source
        self.drawsPictures = drawsPictures
        self.makesMasks = makesMasks
        store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
    }

    /// What the features depend on beside the front end, in a short text.
    var variant: String { source.raw.map { "-\($0)" } ?? "" }

    func callAsFunction(_ cut: Cut) -> Made {
        if cut.audioPath == Inputs.standardInput, !drawsPictures {
            // It can be opened only once.
            return Made(source: nil, content: .success(.long))
        }
        let state = SourceState(path: cut.audioPath)
        do {
            let file = try source.open(cut)
            let mask = try makesMasks ? speechMask(of: cut, in: file) : nil
            return Made(
                source: state, mask: mask, content: .success(try content(of: cut, in: file)))
        } catch {
            return Made(source: state, content: .failure(error))
        }
    }

    /// The features of a recording block by block.
    func reader(of cut: Cut) throws -> FeatureReader {
        try reader(of: cut, in: source.open(cut))
    }

    private func content(of cut: Cut, in file: SoundFile) throws -> Content {
        let isLong = cut.duration ?? file.duration > Self.longDuration
        if isLong, !drawsPictures { return .long }
        let features: FeatureMatrix
        if source.readsPlainFile(cut) {
            // The store keeps its extractors: a short file costs no preparation.
            features = try store.features(of: cut)
        } else {
            let reader = try reader(of: cut, in: file)
            var values: [Float] = []
            while let block = try reader.next() { values += block.values }
            features = FeatureMatrix(
                values: values, frameCount: values.count / frontEnd.featureCount,
                featureCount: frontEnd.featureCount)
        }
        guard drawsPictures else { return .features(features) }
        return .picture(
            features, png: try features.picture(frontEnd: frontEnd, title: cut.id).png())
    }

    private func reader(of cut: Cut, in file: SoundFile) throws -> FeatureReader {
        try FeatureReader(
            file, frontEnd, offset: cut.offset, duration: cut.duration,
            channels: cut.channelSelection)
    }

    private func speechMask(of cut: Cut, in file: SoundFile) throws -> [Bool] {
        try SpeechActivity().mask(
            of: file, frontEnd: frontEnd, offset: cut.offset, duration: cut.duration,
            channels: cut.channelSelection)
    }
}
