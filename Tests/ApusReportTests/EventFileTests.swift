import ApusReport
import Foundation
import TestSupport
import Testing

@Suite struct EventFileTests {
    /// The first three vectors are those of RFC 3720, appendix B.4.
    static let knownChecksums: [(bytes: [UInt8], checksum: UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ([UInt8](0..<32), 0x46DD_794E),
        ([UInt8]("123456789".utf8), 0xE306_9283),
        ([], 0),
    ]

    @Test(arguments: knownChecksums)
    func checksumsOfKnownBytes(bytes: [UInt8], expected: UInt32) {
        #expect(CRC32C.checksum(of: bytes) == expected)
    }

    @Test func maskingIsARotationAndAnAddition() {
        // 0xE3069283 rotated right by 15 is 0x2507C60D.
        #expect(
            CRC32C.maskedChecksum(of: Array("123456789".utf8)) == 0x2507_C60D &+ 0xA282_EAD8)
    }

    @Test func aRecordIsLengthChecksumPayloadChecksum() throws {
        let record = [UInt8](RecordFraming.record(Data("abc".utf8)))
        #expect(record.count == 19)
        #expect(Array(record[0..<8]) == [3, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(record[12..<15]) == Array("abc".utf8))
        #expect(try payloads(of: Data(record)) == [Data("abc".utf8)])
    }

    @Test func everyEventIsOneRecord() throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let writer = try EventFileWriter(
                directory: folder.appendingPathComponent("run"),
                startTime: Date(timeIntervalSince1970: 1_700_000_000))
            #expect(writer.url.lastPathComponent.hasPrefix("events.out.tfevents.1700000000."))
            try writer.scalar(0.5, tag: "loss", step: 3, at: Date(timeIntervalSince1970: 2))
            try writer.scalars(["a": .nan, "b": 1], step: 4)
            try writer.text("seed: 1", tag: "configuration")
            try writer.image(RGBImage(width: 3, height: 2), tag: "picture", step: 4)
            try writer.synchronize()

            let events = try payloads(of: Data(contentsOf: writer.url))
            try #require(events.count == 5)
            #expect(events[0].range(of: Data("brain.Event:2".utf8)) != nil)
            // wall_time = 2 as field 1, step = 3 as field 2, summary as field 5 with one value:
            // its tag as field 1, simple_value 0.5 as field 2.
            let scalar: [UInt8] =
                [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 3, 0x2A, 13, 0x0A, 11, 0x0A, 4]
                + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
            #expect([UInt8](events[1]) == scalar)
            #expect(events[3].range(of: Data("seed: 1".utf8)) != nil)
            #expect(events[4].range(of: Data([0x89, 0x50, 0x4E, 0x47])) != nil)
        }
    }

    @Test func aContinuedRunOpensAFileWithALaterTime() throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let start = Date(timeIntervalSince1970: 1_700_000_000)
            let first = try EventFileWriter(directory: folder, startTime: start)
            try first.scalar(1, tag: "loss", step: 1)
            let before = try Data(contentsOf: first.url)
            let second = try EventFileWriter(directory: folder, resumedStep: 1, startTime: start)
            #expect(second.url.lastPathComponent.hasPrefix("events.out.tfevents.1700000001."))
            #expect(try Data(contentsOf: first.url) == before)
            let events = try payloads(of: Data(contentsOf: second.url))
            // session_log as field 7, whose status as field 1 is START.
            #expect(events.count == 2)
            #expect([UInt8](events[1].suffix(4)) == [0x3A, 2, 0x08, 1])
        }
    }

    @Test func aFolderThatCannotBeMadeIsAnError() throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            #expect {
                try EventFileWriter(directory: file.appendingPathComponent("run"))
            } throws: { error in
                guard case .cannotWrite(let path, _) = error as? ReportError else { return false }
                return path == file.appendingPathComponent("run").path
            }
        }
    }
}

/// Takes a record file apart, with every checksum compared.
private func payloads(of file: Data) throws -> [Data] {
    var bytes = [UInt8](file)
    var payloads: [Data] = []
    func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while !bytes.isEmpty {
        try #require(bytes.count >= 16)
        let length = Int(number(bytes[0..<8]))
        try #require(bytes.count >= length + 16)
        #expect(number(bytes[8..<12]) == UInt64(CRC32C.maskedChecksum(of: bytes[0..<8])))
        let payload = bytes[12..<(12 + length)]
        let check = bytes[(12 + length)..<(16 + length)]
        #expect(number(check) == UInt64(CRC32C.maskedChecksum(of: payload)))
        payloads.append(Data(payload))
        bytes.removeFirst(length + 16)
    }
    return payloads
}
