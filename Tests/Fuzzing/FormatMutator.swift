/// What libFuzzer calls to change an input: half of the time its own changes, else those that formats
/// of sound are touched by; then checksums are made right again, or decoders would see nothing.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt
) -> Int {
    var random = FuzzRandom(seed: seed)
    if random.chance(1, of: 2) || count < 16 + FuzzOptions.byteCount {
        let changed = libFuzzerMutate(bytes, count, capacity)
        return mend(bytes, changed, &random)
    }
    let input = UnsafeBufferPointer(start: bytes, count: count)
    var mutator = FormatMutator(
        content: Array(input.dropLast(FuzzOptions.byteCount)), random: random)
    let options = Array(input.suffix(FuzzOptions.byteCount))
    for _ in 0...mutator.random.below(4) { mutator.change() }
    let result = (mutator.content + options).prefix(capacity)
    for (index, byte) in result.enumerated() { bytes[index] = byte }
    return mend(bytes, result.count, &mutator.random)
}

/// libFuzzer's own changes.
@_silgen_name("LLVMFuzzerMutate")
private func libFuzzerMutate(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int
) -> Int

private func mend(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ random: inout FuzzRandom
) -> Int {
    // Wrong checksums are input too, now and then.
    if count > FuzzOptions.byteCount, !random.chance(1, of: 16) {
        Checksums.mend(
            UnsafeMutableBufferPointer(start: bytes, count: count - FuzzOptions.byteCount))
    }
    return count
}

/// Random numbers that a seed fixes.
struct FuzzRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: CUnsignedInt) {
        state = UInt64(seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int {
        bound > 0 ? Int.random(in: 0..<bound, using: &self) : 0
    }

    mutating func chance(_ part: Int, of whole: Int) -> Bool { below(whole) < part }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}

/// Changes to what headers consist of: numbers, names of chunks, text, whole chunks.
struct FormatMutator {
    private(set) var content: [UInt8]
    var random: FuzzRandom

    /// Numbers at which something changes: none, one, limits of the types, channels, rates, codecs.
    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 4, 6, 7, 8, 12, 16, 17, 18, 20, 24, 32, 34, 36, 40, 44, 49, 64, 85, 127, 128,
        255, 256, 512, 1000, 1023, 1024, 1025, 4000, 8000, 16000, 22050, 32767, 32768, 44100,
        48000, 65534, 65535, 65536, 192_000, 384_000, 0x7FFF_0000, 0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 1 << 32, 1 << 36, 1 << 40, 1 << 62,
        0x7FFF_FFFF_FFFF_FFFF, 1 << 63, .max,
    ]

    private static let chunkNames = [
        "RIFF", "RIFX", "RF64", "WAVE", "fmt ", "data", "fact", "LIST", "ds64", "cue ", "smpl",
        "bext", "inst", "PEAK", "cart", "acid", "iXML", "FORM", "AIFF", "AIFC", "COMM", "SSND",
        "MARK", "INST", "APPL", "FVER", "sowt", "NONE", "fl32", "fl64", "alaw", "ulaw", "ima4",
        "GSM ", "caff", "desc", "pakt", "kuki", "chan", "free", "info", "lpcm", "alac", ".snd",
        "dns.", "fLaC", "OggS", "riff", "wave", "Crea", "FAP ", "8SVX", "BODY", "VHDR", "2BIT",
    ].map { Array($0.utf8) }

    /// Bits of floats that are no numbers, or at the end of them.
    private static let floats: [UInt32] = [
        0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F80_0001, 0x7F7F_FFFF, 0xFF7F_FFFF, 1,
        0x8000_0000, 0x5F80_0000, 0x4F00_0000,
    ]

    init(content: [UInt8], random: FuzzRandom) {
        self.content = content
        self.random = random
    }

    /// Makes one change.
    mutating func change() {
        switch random.below(10) {
        case 0, 1, 2: overwriteNumber()
        case 3: nudgeNumber()
        case 4: overwriteName()
        case 5: overwriteDigits()
        case 6: overwriteFloat()
        case 7: content.removeLast(random.below(content.count))
        case 8: removePart()
        default: repeatPart()
        }
    }

    /// A place to write to: headers are changed more often than samples.
    private mutating func place(_ length: Int) -> Int? {
        guard content.count >= length else { return nil }
        let near = [64, 128, 512, content.count][random.below(4)]
        return random.below(min(near, content.count) - length + 1)
    }

    private mutating func overwriteNumber() {
        write(random.pick(Self.numbers), length: random.pick([1, 2, 2, 4, 4, 4, 8]))
    }

    private mutating func nudgeNumber() {
        let length = random.pick([1, 2, 4])
        guard let start = place(length) else { return }
        let isBig = random.chance(1, of: 2)
        let bytes = content[start..<start + length]
        let old = (isBig ? Array(bytes) : bytes.reversed()).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        let step = UInt64(1 + random.below(16))
        put(random.chance(1, of: 2) ? old &+ step : old &- step, length, isBig, at: start)
    }

    private mutating func write(_ value: UInt64, length: Int) {
        guard let start = place(length) else { return }
        put(value, length, random.chance(1, of: 2), at: start)
    }

    private mutating func put(_ value: UInt64, _ length: Int, _ isBig: Bool, at start: Int) {
        for index in 0..<length {
            let shift = 8 * (isBig ? length - 1 - index : index)
            content[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(shift))
        }
    }

    private mutating func overwriteName() {
        guard let start = namePlace() ?? place(4) else { return }
        content.replaceSubrange(start..<start + 4, with: random.pick(Self.chunkNames))
    }

    /// Where four letters stand, as names of chunks do.
    private mutating func namePlace() -> Int? {
        let places = content.indices.dropLast(3).filter { start in
            content[start..<start + 4].allSatisfy { $0 == 0x20 || (0x2E...0x7A).contains($0) }
        }
        return places.isEmpty ? nil : random.pick(Array(places))
    }

    /// Writes another number in text, as SPHERE has them.
    private mutating func overwriteDigits() {
        let digits = content.prefix(1024).indices.filter { (0x30...0x39).contains(content[$0]) }
        guard !digits.isEmpty else { return overwriteNumber() }
        var end = random.pick(digits)
        let start = end
        while end < content.count, (0x30...0x39).contains(content[end]) { end += 1 }
        let number = Array("\(random.pick(Self.numbers))".utf8)
        content.replaceSubrange(start..<end, with: number)
    }

    private mutating func overwriteFloat() {
        guard let start = place(4) else { return }
        put(UInt64(random.pick(Self.floats)), 4, random.chance(1, of: 4), at: start)
    }

    private mutating func part() -> Range<Int> {
        let start = place(1) ?? 0
        let length = 1 + random.below(min(content.count - start, random.pick([8, 64, 512])))
        return start..<min(start + length, content.count)
    }

    private mutating func removePart() {
        guard content.count > 16 else { return }
        content.removeSubrange(part())
    }

    private mutating func repeatPart() {
        guard !content.isEmpty, content.count < 8192 else { return }
        let part = content[part()]
        content.insert(contentsOf: part, at: place(1) ?? 0)
    }
}
