import ApusSignal
import Foundation
import TestSupport
import Testing

/// What has a path and is no plain file, and files of more bytes than memory.
@Suite struct SpecialFileTests {
    @Test(arguments: ["/dev/zero", "/dev/full", "/dev/null", "/dev/random"])
    func devicesAreRefused(path: String) {
        let reason = "it is neither a file nor a pipe"
        for raw in [nil, RawFormat(encoding: .int16, sampleRate: 16000)] {
            #expect(throws: SignalError.unreadable(path: path, reason: reason)) {
                try SoundFile(path: path, raw: raw)
            }
        }
        #expect(throws: SignalError.self) { try NumPyFile.read(path) }
        #expect(throws: SignalError.self) { try NumPyArchive(contentsOf: path) }
    }

    @Test func foldersAreRefusedByEveryReader() throws {
        try withTemporaryFolder { folder in
            #expect(throws: SignalError.self) { try SoundFile(path: folder) }
            #expect(throws: SignalError.self) { try NumPyFile.read(folder) }
            #expect(throws: SignalError.self) { try NumPyArchive(contentsOf: folder) }
            #expect(throws: SignalError.self) { try KaldiScript(contentsOf: folder) }
            #expect(throws: SignalError.self) {
                try KaldiArchiveReader(path: folder).next()
            }
        }
    }

    /// Makes a 16-bit WAV file of one channel whose samples take no room on the disk.
    private func makeSparseWAV(_ path: String, frameCount: Int, declaredBytes: Int) throws {
        func bytes(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8((value >> (8 * $0)) & 0xFF) }
        }
        var header = Data("RIFF".utf8)
        header.append(contentsOf: bytes(declaredBytes + 36, 4) + Array("WAVEfmt ".utf8))
        header.append(contentsOf: bytes(16, 4) + bytes(1, 2) + bytes(1, 2) + bytes(16000, 4))
        header.append(contentsOf: bytes(32000, 4) + bytes(2, 2) + bytes(16, 2))
        header.append(contentsOf: Array("data".utf8) + bytes(declaredBytes, 4))
        try header.write(to: URL(fileURLWithPath: path))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: UInt64(header.count + frameCount * 2))
        try handle.close()
    }

    @Test func theEndOfGigabytesIsReadInASmallBlock() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/long.wav"
            let frameCount = (1 << 31) - 1000
            try makeSparseWAV(path, frameCount: frameCount, declaredBytes: frameCount * 2)
            let file = try SoundFile(path: path)
            #expect(file.frameCount == frameCount)
            let reader = try FeatureReader(file, .kaldi, offset: file.duration - 0.5)
            let block = try #require(try reader.next())
            #expect(block.frameCount == 48)
            #expect(
                try file.read(from: frameCount - 10).samples == [Float](repeating: 0, count: 10))
        }
    }

    @Test func gigabytesThatAreNotThere() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/short.wav"
            try makeSparseWAV(path, frameCount: 1 << 29, declaredBytes: 0xF000_0000)
            let error = SignalError.truncated(
                path: path, expected: 0xF000_0000 / 2, found: 1 << 29)
            #expect(throws: error) { try SoundFile(path: path) }
        }
    }
}
