// Numbers of files of weights, stored lowest byte first, as 32-bit floats.
extension UnsafeRawBufferPointer {
    /// A number of a type, lowest byte first, as a 32-bit float.
    @inline(__always)
    func number(_ element: TorchTensor.Element, at offset: Int) -> Float {
        func load<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
            Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
        }
        return switch element {
        case .float64: Float(Double(bitPattern: load(UInt64.self)))
        case .float32: Float(bitPattern: load(UInt32.self))
        case .float16: Float(halfPattern: load(UInt16.self))
        case .bfloat16: Float(bitPattern: UInt32(load(UInt16.self)) << 16)
        case .int64: Float(load(Int64.self))
        case .int32: Float(load(Int32.self))
        case .int16: Float(load(Int16.self))
        case .int8: Float(load(Int8.self))
        case .uint8, .bool: Float(load(UInt8.self))
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Reads numbers that lie one after the other.
    ///
    /// - Parameters:
    ///   - element: Their type.
    ///   - offset: Where they begin, in bytes.
    ///   - buffer: Takes them, uninitialised.
    ///   - count: How many there are.
    func read(
        _ element: TorchTensor.Element, from offset: Int,
        into buffer: UnsafeMutableBufferPointer<Float>, _ count: Int
    ) {
        guard count > 0 else { return }
        if element == .float32, Int(littleEndian: 1) == 1 {
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: self[offset..<offset + 4 * count]))
            return
        }
        for index in 0..<count {
            buffer.initializeElement(
                at: index, to: number(element, at: offset + index * element.size))
        }
    }
}

extension String {
    /// The first 200 characters, fit for a terminal: a hostile file may name itself by anything.
    package var printable: String {
        String(prefix(200).map { $0.isASCII && !$0.isNewline && $0 >= " " ? $0 : "?" })
    }
}

extension Float {
    /// The number that 16 bits of a half stand for; `Float16` isn't there on every machine.
    init(halfPattern bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10 & 0x1F)
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:  // Zero, and numbers too small for an exponent: fraction / 2^24.
            let magnitude = Float(fraction) * Float(sign: .plus, exponent: -24, significand: 1)
            self = sign == 0 ? magnitude : -magnitude
        case 0x1F: self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
