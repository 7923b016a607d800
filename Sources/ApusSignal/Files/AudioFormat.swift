import CSndfile

/// A kind of audio file to write: container and encoding.
///
/// Every one of them is read back in the tests. Whether libsndfile writes it at a given rate and
/// with a given number of channels is the encoder's matter: Opus takes 8, 12, 16, 24 and 48 kHz, MP3
/// 8 to 48 kHz and two channels, GSM 6.10 one channel, ADPCM two, FLAC eight. ALAC is read but not
/// written: libsndfile's encoder spoils memory where the temporary folder is full (seen in 1.2.0).
public enum AudioFormat: String, Sendable, Hashable, Codable, CaseIterable {
    /// WAV, unsigned 8-bit integers.
    case wav8
    /// WAV, 16-bit integers.
    case wav16
    /// WAV, 24-bit integers.
    case wav24
    /// WAV, 32-bit integers.
    case wav32
    /// WAV, 32-bit floats: what Apus holds in memory, to the bit.
    case wavFloat
    /// WAV, 64-bit floats.
    case wavDouble
    /// WAV, µ-law (ITU-T G.711).
    case wavMuLaw
    /// WAV, A-law (ITU-T G.711).
    case wavALaw
    /// WAV, IMA ADPCM: 4 bits a sample.
    case wavIMAADPCM
    /// WAV, Microsoft ADPCM: 4 bits a sample.
    case wavMSADPCM
    /// WAV, GSM 6.10 full rate: 1.6 bits a sample.
    case wavGSM610
    /// FLAC, 16 bits: lossless.
    case flac16
    /// FLAC, 24 bits: lossless.
    case flac24
    /// Vorbis in Ogg.
    case oggVorbis
    /// Opus in Ogg.
    case oggOpus
    /// MPEG layer III.
    case mp3
    /// AIFF, 16-bit integers.
    case aiff16
    /// Sun's AU, 16-bit integers.
    case au16
    /// Apple's CAF, 16-bit integers.
    case caf16
    /// Sony's Wave64, 16-bit integers: beyond 4 GB.
    case w64
    /// RF64 (EBU Tech 3306), 16-bit integers: beyond 4 GB.
    case rf64
    /// NIST SPHERE, 16-bit integers.
    case sphere16

    /// The usual file name extension, without a full stop.
    public var fileExtension: String {
        switch self {
        case .wav8, .wav16, .wav24, .wav32, .wavFloat, .wavDouble, .wavMuLaw, .wavALaw,
            .wavIMAADPCM, .wavMSADPCM, .wavGSM610:
            "wav"
        case .flac16, .flac24: "flac"
        case .oggVorbis: "ogg"
        case .oggOpus: "opus"
        case .mp3: "mp3"
        case .aiff16: "aiff"
        case .au16: "au"
        case .caf16: "caf"
        case .w64: "w64"
        case .rf64: "rf64"
        case .sphere16: "sph"
        }
    }

    /// Bits a sample where samples are kept as whole numbers of that many bits, exactly; nil for
    /// floats and for encodings that lose something.
    public var bitDepth: Int? {
        switch self {
        case .wav8: 8
        case .wav16, .flac16, .aiff16, .au16, .caf16, .w64, .rf64, .sphere16: 16
        case .wav24, .flac24: 24
        case .wav32: 32
        case .wavFloat, .wavDouble, .wavMuLaw, .wavALaw, .wavIMAADPCM, .wavMSADPCM, .wavGSM610,
            .oggVorbis, .oggOpus, .mp3:
            nil
        }
    }

    /// Container and encoding in libsndfile's words.
    public var formatDescription: String { SoundFile.describe(format: libraryFormat) }

    /// Bits of the whole numbers that the encoder takes; nil where it takes floats.
    var encoderBitDepth: Int? {
        switch self {
        case .wavMuLaw, .wavALaw, .wavIMAADPCM, .wavMSADPCM, .wavGSM610: 16
        default: bitDepth
        }
    }

    /// libsndfile's format number.
    var libraryFormat: Int32 {
        let (container, encoding): (Int, Int) =
            switch self {
            case .wav8: (SF_FORMAT_WAV, SF_FORMAT_PCM_U8)
            case .wav16: (SF_FORMAT_WAV, SF_FORMAT_PCM_16)
            case .wav24: (SF_FORMAT_WAV, SF_FORMAT_PCM_24)
            case .wav32: (SF_FORMAT_WAV, SF_FORMAT_PCM_32)
            case .wavFloat: (SF_FORMAT_WAV, SF_FORMAT_FLOAT)
            case .wavDouble: (SF_FORMAT_WAV, SF_FORMAT_DOUBLE)
            case .wavMuLaw: (SF_FORMAT_WAV, SF_FORMAT_ULAW)
            case .wavALaw: (SF_FORMAT_WAV, SF_FORMAT_ALAW)
            case .wavIMAADPCM: (SF_FORMAT_WAV, SF_FORMAT_IMA_ADPCM)
            case .wavMSADPCM: (SF_FORMAT_WAV, SF_FORMAT_MS_ADPCM)
            case .wavGSM610: (SF_FORMAT_WAV, SF_FORMAT_GSM610)
            case .flac16: (SF_FORMAT_FLAC, SF_FORMAT_PCM_16)
            case .flac24: (SF_FORMAT_FLAC, SF_FORMAT_PCM_24)
            case .oggVorbis: (SF_FORMAT_OGG, SF_FORMAT_VORBIS)
            case .oggOpus: (SF_FORMAT_OGG, SF_FORMAT_OPUS)
            case .mp3: (SF_FORMAT_MPEG, SF_FORMAT_MPEG_LAYER_III)
            case .aiff16: (SF_FORMAT_AIFF, SF_FORMAT_PCM_16)
            case .au16: (SF_FORMAT_AU, SF_FORMAT_PCM_16)
            case .caf16: (SF_FORMAT_CAF, SF_FORMAT_PCM_16)
            case .w64: (SF_FORMAT_W64, SF_FORMAT_PCM_16)
            case .rf64: (SF_FORMAT_RF64, SF_FORMAT_PCM_16)
            case .sphere16: (SF_FORMAT_NIST, SF_FORMAT_PCM_16)
            }
        return Int32(container | encoding)
    }
}
