import ApusSignal
import Foundation

/// What is done with a file: the four bytes after its content in an input.
struct FuzzOptions {
    /// The number of bytes.
    static let byteCount = 4

    /// What reads the file.
    enum Reader {
        /// The readers of sound; nil where the file has a header.
        case sound(raw: RawFormat?)
        /// The reader of NumPy arrays.
        case numPy
        /// The reader of archives of NumPy arrays.
        case numPyArchive
        /// The reader of Kaldi archives.
        case kaldiArchive
        /// The reader of lists of places in Kaldi archives.
        case kaldiScript
        /// The reader of front ends in JSON.
        case frontEnd
        /// The readers of weights: safetensors and PyTorch's checkpoints.
        case weights
    }

    private let bytes: [UInt8]

    /// Takes the last bytes of an input.
    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Whether `FUZZING_WEIGHTS` says that every file is one of weights.
    private static let readsWeightsOnly =
        ProcessInfo.processInfo.environment["FUZZING_WEIGHTS"] != nil

    /// What reads the file.
    var reader: Reader {
        if Self.readsWeightsOnly { return .weights }
        return switch bytes[0] {
        case 0..<0xC0: .sound(raw: nil)
        case 0xC0..<0xD8: .sound(raw: raw)
        case 0xD8..<0xE0: .numPy
        case 0xE0..<0xE8: .numPyArchive
        case 0xE8..<0xF0: .kaldiArchive
        case 0xF0..<0xF8: .kaldiScript
        case 0xF8..<0xFC: .frontEnd
        default: .weights
        }
    }

    private var raw: RawFormat {
        let encodings = RawFormat.Encoding.allCases
        let rates = [1, 4000, 16000, 44100, 384_000, Int(Int32.max)]
        let channelCounts = [1, 2, 3, 8, 1024]
        return RawFormat(
            encoding: encodings[Int(bytes[1]) % encodings.count],
            endianness: bytes[0] & 1 == 0 ? .little : .big,
            sampleRate: rates[Int(bytes[2] >> 4) % rates.count],
            channelCount: channelCounts[Int(bytes[2] & 0x0F) % channelCounts.count])
    }

    /// Whether the file is opened by its descriptor, not by its path.
    var usesDescriptor: Bool { bytes[0] & 2 != 0 }

    /// Whether features of the whole in memory are compared with those of the blocks.
    var comparesWithWhole: Bool { bytes[0] & 4 != 0 }

    /// Whether every channel is read on its own too.
    var readsAllChannels: Bool { bytes[0] & 8 != 0 }

    /// How many samples of the file, and after resampling, are used.
    ///
    /// Compressed silence can last for days. One input in eight goes beyond a block of the reader.
    var largestCount: Int { bytes[0] & 0x70 == 0x70 ? 1 << 17 : 1 << 12 }

    /// Whether sound is resampled to the rate of the preset, which takes longer than all the rest.
    var resamples: Bool { bytes[2] & 0x70 == 0 }

    /// What the features are: a preset, with some of its options changed.
    var frontEnd: FrontEnd {
        let names = FrontEnd.presetNames
        var frontEnd = FrontEnd.preset(named: names[Int(bytes[1] & 7) % names.count]) ?? .kaldi
        // Samples take none of the options below.
        if frontEnd.kind == .waveform { return frontEnd }
        switch bytes[1] >> 3 & 3 {
        case 1: frontEnd.kind = .mfcc
        case 2: frontEnd.kind = .spectrogram
        default: break
        }
        switch bytes[1] >> 5 {
        case 1: frontEnd.normalization = .perRecording(variance: false)
        case 2: frontEnd.normalization = .perRecording(variance: true)
        case 3: frontEnd.normalization = .sliding(SlidingWindow(), variance: true)
        case 4: frontEnd.deltaOrder = 2
        case 5: frontEnd.stacking.left = 2
        case 6:
            frontEnd.log = .none
            frontEnd.dynamicRange = nil
            frontEnd.pcen = PCEN()
        case 7:
            frontEnd.energy = .raw
            frontEnd.dither = 1
        default: break
        }
        return frontEnd
    }

    /// Which channels are kept; the file may not have them.
    var channels: ChannelSelection {
        switch bytes[2] & 3 {
        case 0, 1: .mean
        case 2: .channel(0)
        default: .channel(Int(bytes[2] >> 2))
        }
    }

    /// Where the segment begins, as a part of the file.
    var start: Double { bytes[3] & 1 == 0 ? 0 : Double(bytes[3] >> 1) / 127 }

    /// How precise resampling is.
    var quality: ResamplingQuality {
        let qualities = ResamplingQuality.allCases
        return qualities[Int(bytes[3] >> 1) % qualities.count]
    }
}
