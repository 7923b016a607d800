/// Reads a pickle without executing anything in it.
///
/// A pickle is a program for a machine with a stack. Here it may make numbers, text, lists, tuples and
/// dictionaries, name the storages of tensors, and call what `Callable` lists: each of these is done by
/// this file, in Swift. Every other global is an error that names it, whatever would be done with it.
///
/// Containers are held in one array and name each other by number, so that neither a deep nor a
/// recursive one costs a stack; `value()` refuses both.
///
/// ## Reference
/// CPython's `pickletools`, which defines the opcodes of protocols 2 to 4, and PyTorch's
/// `torch/_utils.py` for what rebuilds a tensor.
struct PickleReader {
    /// What is wrong with a pickle.
    struct Problem: Error {
        var reason: String
    }

    /// What a pickle says of a storage.
    struct Storage: Equatable {
        var element: TorchTensor.Element
        /// The number of elements.
        var count: Int
    }

    /// What may be called.
    private enum Callable {
        case orderedDictionary
        case namespace
        case size
        case device
        /// How protocol 2 has bytes: text whose characters are their numbers.
        case bytes
        case rebuildTensor
        case rebuildParameter
        case storage(TorchTensor.Element)

        init?(module: String, name: String) {
            switch (module, name) {
            case ("collections", "OrderedDict"): self = .orderedDictionary
            case ("argparse", "Namespace"): self = .namespace
            case ("torch", "Size"): self = .size
            case ("torch", "device"): self = .device
            case ("_codecs", "encode"): self = .bytes
            case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
            case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
            case ("torch", let name), ("torch.cuda", let name), ("torch.storage", let name):
                guard name.hasSuffix("Storage"),
                    let element = TorchTensor.Element(rawValue: String(name.dropLast(7)))
                else { return nil }
                self = .storage(element)
            default: return nil
            }
        }
    }

    private static let elementNames: Set<String> = [
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
        "bool",
    ]

    /// Something on the stack.
    private enum Item {
        case mark
        case value(PickleValue)
        case container(Int)
        case callable(Callable)
        /// By its key.
        case storage(String)
    }

    private struct Container {
        enum Kind {
            case list
            case tuple
            /// Keys and values in turn.
            case dictionary
            /// An object whose fields come with the opcode BUILD.
            case namespace
        }
        var kind: Kind
        var items: [Item] = []
    }

    private let bytes: UnsafeRawBufferPointer
    private let limits: PickleLimits
    /// The place of the next opcode; after `run()` the first byte after the pickle.
    private(set) var place: Int
    /// The storages that were named, by key.
    private(set) var storages: [String: Storage] = [:]
    private var stack: [Item] = []
    private var memo: [Int: Item] = [:]
    private var containers: [Container] = []
    private var elementCount = 0
    private var tensorCount = 0

    /// A reader.
    ///
    /// - Parameters:
    ///   - bytes: The file, or the pickle alone.
    ///   - place: Where the pickle begins.
    ///   - limits: What it may cost.
    init(_ bytes: UnsafeRawBufferPointer, from place: Int = 0, limits: PickleLimits = .init()) {
        self.bytes = bytes
        self.place = place
        self.limits = limits
    }

    /// Reads the pickle.
    ///
    /// - Returns: What it holds.
    /// - Throws: `Problem`.
    mutating func run() throws -> PickleValue {
        let start = place
        while true {
            guard place - start <= limits.byteCount else {
                throw Problem(reason: "its pickle is longer than \(limits.byteCount) bytes")
            }
            let opcode = try byte()
            if opcode == UInt8(ascii: ".") { break }
            try execute(opcode)
            guard stack.count <= limits.elementCount else {
                throw Problem(reason: "its pickle has more than \(limits.elementCount) elements")
            }
        }
        let top = try pop()
        var known = [Resolved?](repeating: nil, count: containers.count)
        var open = [Bool](repeating: false, count: containers.count)
        return try resolve(top, depth: 0, known: &known, open: &open).value
    }

    private mutating func execute(_ opcode: UInt8) throws {
        switch opcode {
        case 0x80: _ = try byte()  // PROTO
        case 0x95: _ = try bytes(8)  // FRAME
        case UInt8(ascii: "("): stack.append(.mark)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"):
            let top = try pop()
            stack += [top, top]
        case UInt8(ascii: "]"): try push(.list)
        case UInt8(ascii: "}"): try push(.dictionary)
        case UInt8(ascii: ")"): try push(.tuple)
        case UInt8(ascii: "t"): try push(.tuple, popToMark())
        case 0x85, 0x86, 0x87: try pushTuple(of: Int(opcode) - 0x84)
        case UInt8(ascii: "l"): try push(.list, popToMark())
        case UInt8(ascii: "d"): try push(.dictionary, popToMark())
        case UInt8(ascii: "a"): try append([pop()], to: .list)
        case UInt8(ascii: "e"): try append(popToMark(), to: .list)
        case UInt8(ascii: "s"):
            let value = try pop()
            try append([pop(), value], to: .dictionary)
        case UInt8(ascii: "u"): try append(popToMark(), to: .dictionary)
        case UInt8(ascii: "q"): try memorize(Int(byte()))
        case UInt8(ascii: "r"): try memorize(number(4))
        case 0x94: try memorize(memo.count)
        case UInt8(ascii: "h"): try recall(Int(byte()))
        case UInt8(ascii: "j"): try recall(number(4))
        case UInt8(ascii: "c"): try pushGlobal(module: line(), name: line())
        case 0x93:
            guard let name = text(of: try pop()), let module = text(of: try pop()) else {
                throw Problem(reason: "its pickle names something by no text")
            }
            try pushGlobal(module: module, name: name)
        case UInt8(ascii: "Q"): try pushStorage()
        case UInt8(ascii: "R"), 0x81: try call()
        case UInt8(ascii: "b"): try build()
        default: try pushScalar(opcode)
        }
    }

    private mutating func pushScalar(_ opcode: UInt8) throws {
        let value: PickleValue
        switch opcode {
        case UInt8(ascii: "N"): value = .none
        case 0x88: value = .bool(true)
        case 0x89: value = .bool(false)
        case UInt8(ascii: "J"):
            value = .integer(Int(Int32(truncatingIfNeeded: try number(4))))
        case UInt8(ascii: "K"): value = .integer(Int(try byte()))
        case UInt8(ascii: "M"): value = .integer(try number(2))
        case 0x8A: value = integer(try bytes(Int(byte())))
        case UInt8(ascii: "G"):
            let pattern = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            value = .double(Double(bitPattern: pattern))
        case UInt8(ascii: "X"): value = .text(try string(number(4)))
        case 0x8C, UInt8(ascii: "U"): value = .text(try string(Int(byte())))
        case 0x8D: value = .text(try string(number(8)))
        case UInt8(ascii: "T"): value = .text(try string(number(4)))
        case UInt8(ascii: "B"): value = .bytes(Array(try bytes(number(4))))
        case UInt8(ascii: "C"): value = .bytes(Array(try bytes(Int(byte()))))
        case 0x8E: value = .bytes(Array(try bytes(number(8))))
        default:
            throw Problem(
                reason: "its pickle has the opcode 0x\(String(opcode, radix: 16)), which plain "
                    + "containers of tensors do without")
        }
        stack.append(.value(value))
    }
}

// MARK: - Bytes

extension PickleReader {
    private mutating func byte() throws -> UInt8 {
        guard place < bytes.count else { throw Problem(reason: "its pickle is cut off") }
        defer { place += 1 }
        return bytes[place]
    }

    private mutating func bytes(_ count: Int) throws -> Slice<UnsafeRawBufferPointer> {
        guard count >= 0, count <= bytes.count - place, count <= limits.byteCount else {
            throw Problem(reason: "its pickle is cut off")
        }
        defer { place += count }
        return bytes[place..<place + count]
    }

    /// A number of so many bytes, lowest first; one that no size can be is an error.
    private mutating func number(_ count: Int) throws -> Int {
        let value = try bytes(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else {
            throw Problem(reason: "its pickle has the size \(value)")
        }
        return number
    }

    private mutating func string(_ count: Int) throws -> String {
        String(decoding: try bytes(count), as: UTF8.self)
    }

    private mutating func line() throws -> String {
        let start = place
        while try byte() != UInt8(ascii: "\n") {
            guard place - start < 1000 else {
                throw Problem(reason: "its pickle has a name of over 1000 bytes")
            }
        }
        return String(decoding: bytes[start..<place - 1], as: UTF8.self)
    }

    /// An integer in two's complement, lowest byte first.
    private func integer(_ bytes: Slice<UnsafeRawBufferPointer>) -> PickleValue {
        guard bytes.count <= 8 else { return .bytes(Array(bytes)) }
        var value: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(truncatingIfNeeded: value))
    }
}

// MARK: - The stack

extension PickleReader {
    private mutating func pop() throws -> Item {
        guard let top = stack.popLast() else { throw Problem(reason: "its pickle is malformed") }
        if case .mark = top { throw Problem(reason: "its pickle is malformed") }
        return top
    }

    private mutating func popToMark() throws -> [Item] {
        let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
        guard let mark else { throw Problem(reason: "its pickle is malformed") }
        let items = Array(stack[(mark + 1)...])
        stack.removeSubrange(mark...)
        return items
    }

    private mutating func push(_ kind: Container.Kind, _ items: [Item] = []) throws {
        guard containers.count < limits.containerCount else {
            throw Problem(reason: "its pickle has more than \(limits.containerCount) containers")
        }
        if kind == .dictionary, items.count % 2 != 0 {
            throw Problem(reason: "its pickle has a key without a value")
        }
        try count(items.count)
        containers.append(Container(kind: kind, items: items))
        stack.append(.container(containers.count - 1))
    }

    private mutating func pushTuple(of count: Int) throws {
        var items: [Item] = []
        for _ in 0..<count { items.append(try pop()) }
        try push(.tuple, items.reversed())
    }

    private mutating func count(_ added: Int) throws {
        elementCount += added
        guard elementCount <= limits.elementCount else {
            throw Problem(reason: "its pickle has more than \(limits.elementCount) elements")
        }
    }

    private mutating func append(_ items: [Item], to kind: Container.Kind) throws {
        guard case .container(let index)? = stack.last, containers[index].kind == kind,
            kind == .list || items.count % 2 == 0
        else { throw Problem(reason: "its pickle is malformed") }
        try count(items.count)
        containers[index].items += items
    }

    private mutating func memorize(_ key: Int) throws {
        guard let top = stack.last else { throw Problem(reason: "its pickle is malformed") }
        memo[key] = top
        guard memo.count <= limits.containerCount else {
            throw Problem(reason: "its pickle remembers more than \(limits.containerCount) values")
        }
    }

    private mutating func recall(_ key: Int) throws {
        guard let item = memo[key] else {
            throw Problem(reason: "its pickle recalls what it never remembered")
        }
        try count(1)
        stack.append(item)
    }

    private func text(of item: Item) -> String? {
        if case .value(.text(let text)) = item { text } else { nil }
    }

    private func tuple(_ item: Item) -> [Item]? {
        guard case .container(let index) = item, containers[index].kind == .tuple else {
            return nil
        }
        return containers[index].items
    }
}

// MARK: - Globals and calls

extension PickleReader {
    private mutating func pushGlobal(module: String, name: String) throws {
        if module == "torch", Self.elementNames.contains(name) {
            stack.append(.value(.text("torch." + name)))
        } else if let callable = Callable(module: module, name: name) {
            stack.append(.callable(callable))
        } else {
            throw Problem(
                reason:
                    "it names \("\(module).\(name)".printable), which is neither a tensor nor a "
                    + "plain container; nothing of it was executed")
        }
    }

    /// Persistent identifiers name storages: ("storage", type, key, device, count).
    private mutating func pushStorage() throws {
        guard let parts = tuple(try pop()), (5...6).contains(parts.count),
            text(of: parts[0]) == "storage", case .callable(.storage(let element)) = parts[1],
            let key = text(of: parts[2]), case .value(.integer(let count)) = parts[4], count >= 0
        else { throw Problem(reason: "its pickle refers to something that is no storage") }
        if parts.count == 6 {
            guard case .value(.none) = parts[5] else {
                throw Problem(
                    reason: "the storage \(key.printable) is a view of another, as PyTorch 0.3 had")
            }
        }
        let storage = Storage(element: element, count: count)
        guard storages.updateValue(storage, forKey: key) ?? storage == storage else {
            throw Problem(reason: "its pickle has the storage \(key.printable) as two types")
        }
        stack.append(.storage(key))
    }

    private mutating func call() throws {
        guard let arguments = tuple(try pop()), case .callable(let callable) = try pop() else {
            throw Problem(reason: "its pickle calls what can't be called")
        }
        switch callable {
        case .orderedDictionary:
            var items: [Item] = []
            if case .container(let index)? = arguments.first {
                for pair in containers[index].items {
                    guard case .container(let index) = pair, containers[index].items.count == 2
                    else { throw Problem(reason: "an OrderedDict of its pickle is malformed") }
                    items += containers[index].items
                }
            }
            try push(.dictionary, items)
        case .namespace: try push(.namespace)
        case .size:
            guard case .container(let index)? = arguments.first else {
                throw Problem(reason: "a torch.Size of its pickle is malformed")
            }
            try push(.tuple, containers[index].items)
        case .device: stack.append(arguments.first ?? .value(.none))
        case .bytes:
            guard let text = arguments.first.flatMap(text),
                text.unicodeScalars.allSatisfy({ $0.value < 256 })
            else { throw Problem(reason: "bytes of its pickle are malformed") }
            let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            stack.append(.value(.bytes(bytes)))
        case .rebuildParameter:
            guard case .value(.tensor(let tensor))? = arguments.first else {
                throw Problem(reason: "a parameter of its pickle is no tensor")
            }
            stack.append(.value(.tensor(tensor)))
        case .rebuildTensor: stack.append(.value(.tensor(try tensor(arguments))))
        case .storage: throw Problem(reason: "its pickle makes a storage by itself")
        }
    }

    /// The tensor of (storage, offset, shape, strides, requires gradient, hooks).
    private mutating func tensor(_ arguments: [Item]) throws -> TorchTensor {
        func integers(_ item: Item) -> [Int]? {
            guard let items = tuple(item), items.count <= 16 else { return nil }
            let values = items.compactMap { item -> Int? in
                if case .value(.integer(let value)) = item, value >= 0 { value } else { nil }
            }
            return values.count == items.count ? values : nil
        }
        tensorCount += 1
        guard tensorCount <= limits.tensorCount else {
            throw Problem(reason: "its pickle has more than \(limits.tensorCount) tensors")
        }
        guard arguments.count >= 4, case .storage(let key) = arguments[0],
            let (element, count) = storages[key].map({ ($0.element, $0.count) }),
            case .value(.integer(let offset)) = arguments[1], offset >= 0,
            let shape = integers(arguments[2]), let strides = integers(arguments[3]),
            shape.count == strides.count
        else { throw Problem(reason: "a tensor of its pickle is malformed") }
        let problem = Problem(
            reason: "a tensor of shape \(shape) with strides \(strides) lies outside its storage "
                + "of \(count) elements")
        // No tensor is larger than what the file has for it: elements aren't repeated by zero strides.
        var (elements, last) = (1, offset)
        for (size, stride) in zip(shape, strides) {
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            let (reach, far) = max(0, size - 1).multipliedReportingOverflow(by: stride)
            let (end, farther) = last.addingReportingOverflow(reach)
            guard !overflow, !far, !farther else { throw problem }
            (elements, last) = (product, end)
        }
        guard elements <= count, elements == 0 || last < count else { throw problem }
        return TorchTensor(
            element: element, shape: shape, strides: strides, offset: offset, storage: key,
            storageCount: count)
    }

    /// Gives an object its state: fields to a namespace, and nothing to a dictionary, whose own
    /// attributes are PyTorch's bookkeeping.
    private mutating func build() throws {
        let state = try pop()
        guard case .container(let index)? = stack.last else {
            throw Problem(reason: "its pickle builds what has no state")
        }
        guard containers[index].kind == .namespace else { return }
        guard case .container(let fields) = state, containers[fields].kind == .dictionary else {
            throw Problem(reason: "a Namespace of its pickle is malformed")
        }
        containers[index].items = containers[fields].items
    }
}

// MARK: - The result

extension PickleReader {
    /// A value, and how deep the containers in it lie within each other.
    private struct Resolved {
        var value: PickleValue
        var height = 0
    }

    private func resolve(
        _ item: Item, depth: Int, known: inout [Resolved?], open: inout [Bool]
    ) throws -> Resolved {
        switch item {
        case .value(let value): return Resolved(value: value)
        case .container(let index):
            if let value = known[index] { return value }
            guard !open[index] else { throw Problem(reason: "its pickle holds itself") }
            open[index] = true
            defer { open[index] = false }
            var values: [PickleValue] = []
            values.reserveCapacity(containers[index].items.count)
            var height = 0
            for item in containers[index].items {
                guard depth < limits.depth, height < limits.depth else {
                    throw Problem(reason: "its pickle is nested over \(limits.depth) deep")
                }
                let inner = try resolve(item, depth: depth + 1, known: &known, open: &open)
                values.append(inner.value)
                height = max(height, inner.height + 1)
            }
            let value: PickleValue =
                switch containers[index].kind {
                case .list, .tuple: .list(values)
                case .dictionary, .namespace:
                    .dictionary(
                        stride(from: 0, to: values.count - 1, by: 2).map {
                            (values[$0], values[$0 + 1])
                        })
                }
            let resolved = Resolved(value: value, height: height)
            known[index] = resolved
            return resolved
        case .mark, .callable, .storage:
            throw Problem(reason: "its pickle holds a type or a storage by itself")
        }
    }
}
