import CSndfile

extension SoundFile {
    private var container: Int { Int(libraryFormat & Int32(SF_FORMAT_TYPEMASK)) }
    private var encoding: Int { Int(libraryFormat & Int32(SF_FORMAT_SUBMASK)) }

    /// Whether the file is FLAC, in its own container.
    package var isFLAC: Bool { container == SF_FORMAT_FLAC }

    /// Whether the file is Opus.
    package var isOpus: Bool { encoding == SF_FORMAT_OPUS }

    /// The usual end of such a file's name, without a full stop; nil where Apus knows no name for it.
    package var usualExtension: String? {
        switch container {
        case SF_FORMAT_WAV, SF_FORMAT_WAVEX: "wav"
        case SF_FORMAT_FLAC: "flac"
        case SF_FORMAT_OGG: isOpus ? "opus" : "ogg"
        case SF_FORMAT_MPEG: "mp3"
        case SF_FORMAT_AIFF: "aiff"
        case SF_FORMAT_AU: "au"
        case SF_FORMAT_CAF: "caf"
        case SF_FORMAT_W64: "w64"
        case SF_FORMAT_RF64: "rf64"
        case SF_FORMAT_NIST: "sph"
        default: nil
        }
    }

    /// FLAC with as many bits as the samples have, of 16 and 24: exact for whole numbers of up to 24 bits
    /// and for µ-law and A-law; of longer ones, floats and what was decoded of lossy formats, the nearest
    /// of 24 bits.
    package var losslessFormat: AudioFormat {
        switch encoding {
        case SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_ULAW, SF_FORMAT_ALAW,
            SF_FORMAT_ALAC_16:
            .flac16
        default: .flac24
        }
    }
}
