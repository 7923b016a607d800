import CFFTW
import CSndfile
import CSoxr

extension SoundFile {
    /// libsndfile's name and version, such as "libsndfile-1.2.0".
    public static var libraryVersion: String { String(cString: sf_version_string()) }

    /// The names of the containers that this libsndfile knows, in its order.
    public static var supportedFormats: [String] {
        var count: Int32 = 0
        let countSize = Int32(MemoryLayout<Int32>.size)
        sf_command(nil, Int32(SFC_GET_FORMAT_MAJOR_COUNT), &count, countSize)
        return (0..<count).compactMap { index in
            var info = SF_FORMAT_INFO()
            info.format = index
            let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
            guard sf_command(nil, Int32(SFC_GET_FORMAT_MAJOR), &info, size) == 0,
                let name = info.name
            else { return nil }
            return String(cString: name)
        }
    }
}

extension RealFFT {
    /// FFTW's name, version and instruction sets.
    public static var libraryVersion: String { String(cString: apus_fftw_version()) }
}

extension Waveform {
    /// The name and version of the resampling library.
    public static var resamplerVersion: String { String(cString: soxr_version()) }
}
