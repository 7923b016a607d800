import ApusSignal
import Foundation

/// SHA-256, of what comes in pieces.
///
/// ## Reference
/// NIST, FIPS 180-4, "Secure Hash Standard", section 6.2.
public struct SHA256: Sendable {
    private var state: [UInt32] = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
        0x5BE0_CD19,
    ]
    private var byteCount = 0
    /// Bytes that don't fill a block yet.
    private var rest: [UInt8] = []

    private static let blockSize = 64

    /// The fractional parts of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = primes(64).map { prime in
        // 32 bits after the point of the cube root, by bisection in integers: r³ < p · 2⁹⁶.
        var (low, high) = (UInt64(1) << 32, UInt64(8) << 32)
        while high - low > 1 {
            let middle = (low + high) / 2
            let square = middle.multipliedFullWidth(by: middle)
            let cube = square.high * middle + square.low.multipliedFullWidth(by: middle).high
            if cube >> 32 < prime { low = middle } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    private static func primes(_ count: Int) -> [UInt64] {
        var found: [UInt64] = []
        var candidate: UInt64 = 2
        while found.count < count {
            if found.allSatisfy({ candidate % $0 != 0 }) { found.append(candidate) }
            candidate += 1
        }
        return found
    }

    /// The hash of nothing so far.
    public init() { rest.reserveCapacity(Self.blockSize) }

    /// Takes in bytes.
    ///
    /// - Parameter bytes: The bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += bytes.count
        var bytes = bytes[...]
        if !rest.isEmpty {
            let taken = bytes.prefix(Self.blockSize - rest.count)
            rest += taken
            bytes = bytes.dropFirst(taken.count)
            guard rest.count == Self.blockSize else { return }
            rest.withUnsafeBytes { Self.compress($0, into: &state) }
            rest.removeAll(keepingCapacity: true)
        }
        let whole = bytes.count / Self.blockSize * Self.blockSize
        Self.compress(UnsafeRawBufferPointer(rebasing: bytes.prefix(whole)), into: &state)
        rest += bytes.dropFirst(whole)
    }

    /// Takes in a text's UTF-8.
    ///
    /// - Parameter text: The text.
    public mutating func update(_ text: String) {
        Array(text.utf8).withUnsafeBytes { update($0) }
    }

    /// The hash of all that was taken in.
    ///
    /// - Returns: 64 hexadecimal digits.
    public func finalize() -> String {
        var copy = self
        let zeros = (119 - byteCount % Self.blockSize) % Self.blockSize
        var padding = [UInt8(0x80)] + [UInt8](repeating: 0, count: zeros)
        withUnsafeBytes(of: UInt64(byteCount * 8).bigEndian) { padding += $0 }
        padding.withUnsafeBytes { copy.update($0) }
        return copy.state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private static func compress(_ blocks: UnsafeRawBufferPointer, into state: inout [UInt32]) {
        constants.withUnsafeBufferPointer { constants in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
                var sums = SIMD8<UInt32>(state)
                for start in stride(from: 0, to: blocks.count, by: blockSize) {
                    schedule(blocks, from: start, into: words)
                    sums &+= rounds(sums, words, constants)
                }
                for index in 0..<8 { state[index] = sums[index] }
            }
        }
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word &>> count | word &<< (32 &- count)
    }

    @inline(__always)
    private static func schedule(
        _ blocks: UnsafeRawBufferPointer, from start: Int,
        into words: UnsafeMutableBufferPointer<UInt32>
    ) {
        for index in 0..<16 {
            words[index] = UInt32(
                bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self))
        }
        for index in 16..<64 {
            let (early, late) = (words[index - 15], words[index - 2])
            let first = rotated(early, 7) ^ rotated(early, 18) ^ early &>> 3
            let second = rotated(late, 17) ^ rotated(late, 19) ^ late &>> 10
            words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
        }
    }

    @inline(__always)
    private static func rounds(
        _ before: SIMD8<UInt32>, _ words: UnsafeMutableBufferPointer<UInt32>,
        _ constants: UnsafeBufferPointer<UInt32>
    ) -> SIMD8<UInt32> {
        var (a, b, c, d) = (before[0], before[1], before[2], before[3])
        var (e, f, g, h) = (before[4], before[5], before[6], before[7])
        for index in 0..<64 {
            let choice = e & f ^ ~e & g
            let majority = a & b ^ a & c ^ b & c
            let first =
                h &+ (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) &+ choice
                &+ constants[index] &+ words[index]
            let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        return SIMD8(a, b, c, d, e, f, g, h)
    }
}

/// The SHA-256 of files, each read once while it stays what it is.
public final class ContentHashes: Sendable {
    private struct Key: Hashable {
        var path: String
        var state: SourceState
    }
    private let known = Monitor<[Key: String]>([:])

    /// Nothing is known yet.
    public init() {}

    /// The hash of a file's bytes.
    ///
    /// - Parameter path: The file's path, or the address of a stretch of a file.
    /// - Returns: 64 hexadecimal digits; `nil` for what is not a file that can be read.
    public func hash(of path: String) -> String? {
        guard let state = SourceState(path: path) else { return nil }
        let key = Key(path: path, state: state)
        if let hash = known.withLock({ $0[key] }) { return hash }
        let range = FileRange(path)
        guard let blocks = try? FileBlocks(path: range?.path ?? path) else { return nil }
        let first = range?.offset ?? 0
        let end = range.map { $0.offset + $0.count } ?? blocks.byteCount
        var hash = SHA256()
        for start in stride(from: first, to: end, by: 1 << 18) {
            guard let bytes = try? blocks.read(start..<min(start + 1 << 18, end)),
                !bytes.isEmpty
            else { return nil }
            bytes.withUnsafeBytes { hash.update($0) }
        }
        let text = hash.finalize()
        known.withLock { $0[key] = text }
        return text
    }
}
