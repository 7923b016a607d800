import ApusSignal
import Foundation

/// What libFuzzer calls: reads an input and computes its features.
///
/// An input is the content of a file and the four bytes of ``FuzzOptions``.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let contentCount = count - FuzzOptions.byteCount
    guard contentCount >= 0 else { return -1 }
    let input = UnsafeBufferPointer(start: bytes, count: count)
    let options = FuzzOptions(input[contentCount...])
    let content = UnsafeBufferPointer(rebasing: input[..<contentCount])
    let file = ScratchFile.shared
    file.write(content)
    do {
        switch options.reader {
        case .sound(let raw): try SoundFuzzing(options: options, raw: raw).run()
        case .numPy: try readNumPyFile(file.path)
        case .numPyArchive: try readNumPyArchive(file.path)
        case .kaldiArchive: try readKaldiArchive(file.path)
        case .kaldiScript: try readKaldiScript(file.path)
        case .frontEnd: readFrontEnd(Data(content))
        case .weights: try readWeights(file.path)
        }
    } catch let error as SignalError {
        check(error.description.hasPrefix(file.path), "no path: \(error)")
    } catch {
        fatalError("an error of another type: \(error)")
    }
    return 0
}

/// Reads a file as sound, as far as its header lets it.
struct SoundFuzzing {
    private let options: FuzzOptions
    private let raw: RawFormat?

    init(options: FuzzOptions, raw: RawFormat?) {
        self.options = options
        self.raw = raw
    }

    func run() throws {
        let sound = try open()
        var frontEnd = options.frontEnd
        frontEnd.resampling = options.quality
        if !options.resamples, (1000...400_000).contains(sound.sampleRate) {
            frontEnd.sampleRate = sound.sampleRate
            frontEnd.fftLength = nil
        }
        check(sound.frameCount > 0 && sound.sampleRate > 0, "a file without sound was opened")
        check((1...1024).contains(sound.channelCount), "\(sound.channelCount) channels")
        let fastest = max(sound.sampleRate * sound.channelCount, frontEnd.sampleRate)
        let longest = Double(options.largestCount) / Double(fastest)
        let offset = sound.duration * options.start
        let duration = sound.duration - offset > longest ? longest : nil

        let reader = try FeatureReader(
            sound, frontEnd, offset: offset, duration: duration, channels: options.channels,
            ditherSeed: 1)
        var values: [Float] = []
        while let block = try reader.next() {
            check(block.frameCount > 0, "a block without frames")
            values += block.values
        }
        check(values.allSatisfy(\.isFinite), "features that are no numbers")
        check(values.count == reader.frameCount * frontEnd.featureCount, "frames are missing")

        if options.comparesWithWhole {
            let whole = try Waveform(
                contentsOf: ScratchFile.shared.path, offset: offset, duration: duration,
                channels: options.channels, sampleRate: frontEnd.sampleRate,
                quality: options.quality, raw: raw)
            let features = try FeatureExtractor(frontEnd)(whole, ditherSeed: 1)
            check(features.values == values, "the blocks are not the whole")
        }
        if options.readsAllChannels, sound.frameCount * sound.channelCount <= options.largestCount {
            let channels = try sound.readAllChannels()
            check(channels.count == sound.channelCount, "channels are missing")
            check(
                channels.allSatisfy { $0.samples.count == sound.frameCount },
                "samples are missing")
        }
    }

    private func open() throws -> SoundFile {
        let file = ScratchFile.shared
        return options.usesDescriptor
            ? try SoundFile(spooling: file.descriptor, name: file.path, raw: raw)
            : try SoundFile(path: file.path, raw: raw)
    }
}
