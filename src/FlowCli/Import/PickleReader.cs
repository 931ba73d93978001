using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>
/// The stack machine of Python's pickle, as far as PyTorch's checkpoints need it. It builds numbers, texts, lists, dictionaries and
/// what <see cref="TorchGlobals"/> knows; every other global is refused by name, and nothing is ever executed.
/// </summary>
internal sealed class PickleReader(byte[] data, int start, Func<object?, object> persistent)
{
    private static readonly object Mark = new();

    private readonly List<object?> stack = [];
    private readonly Dictionary<int, object?> memo = [];
    private int at = start;

    /// <summary>Where the pickle ended.</summary>
    public int End => at;

    public object? Read()
    {
        while (true)
        {
            int place = at;
            byte code = Byte();
            switch ((char)code)
            {
                case '.':
                    return Pop();
                case '\x80':
                    if (Byte() > 5)
                        throw Broken(place, "a pickle protocol above 5");
                    break;
                case '\x95':
                    Skip(8);
                    break;
                case '(':
                    stack.Add(Mark);
                    break;
                case '0':
                    Pop();
                    break;
                case '1':
                    PopToMark();
                    break;
                case '2':
                    stack.Add(Peek());
                    break;
                case 'N':
                    stack.Add(null);
                    break;
                case '\x88':
                    stack.Add(true);
                    break;
                case '\x89':
                    stack.Add(false);
                    break;
                case 'J':
                    stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                    break;
                case 'K':
                    stack.Add((long)Byte());
                    break;
                case 'M':
                    stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                    break;
                case '\x8a':
                    stack.Add(Long(Take(Byte())));
                    break;
                case '\x8b':
                    stack.Add(Long(Take(BinaryPrimitives.ReadInt32LittleEndian(Take(4)))));
                    break;
                case 'I' or 'L':
                    stack.Add(TextNumber(Line()));
                    break;
                case 'F':
                    stack.Add(double.Parse(Line(), CultureInfo.InvariantCulture));
                    break;
                case 'G':
                    stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                    break;
                case 'X':
                    stack.Add(Utf8(Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                    break;
                case '\x8c':
                    stack.Add(Utf8(Byte()));
                    break;
                case '\x8d':
                    stack.Add(Utf8(Length(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)))));
                    break;
                case 'V':
                    stack.Add(Line());
                    break;
                case 'T':
                    stack.Add(Encoding.Latin1.GetString(Take(Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))))));
                    break;
                case 'U':
                    stack.Add(Encoding.Latin1.GetString(Take(Byte())));
                    break;
                case 'S':
                    stack.Add(Line().Trim('\'', '"'));
                    break;
                case 'B':
                    stack.Add(Take(Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))).ToArray());
                    break;
                case 'C':
                    stack.Add(Take(Byte()).ToArray());
                    break;
                case ']':
                    stack.Add(new List<object?>());
                    break;
                case 'l':
                    stack.Add(new List<object?>(PopToMark()));
                    break;
                case 'a':
                    Append([Pop()]);
                    break;
                case 'e':
                    Append(PopToMark());
                    break;
                case ')':
                    stack.Add(Array.Empty<object?>());
                    break;
                case 't':
                    stack.Add(PopToMark());
                    break;
                case '\x85':
                    stack.Add(PopLast(1));
                    break;
                case '\x86':
                    stack.Add(PopLast(2));
                    break;
                case '\x87':
                    stack.Add(PopLast(3));
                    break;
                case '}':
                    stack.Add(new PickledDictionary());
                    break;
                case 'd':
                    var filled = new PickledDictionary();
                    filled.Add(PopToMark());
                    stack.Add(filled);
                    break;
                case 's':
                    Set(PopLast(2));
                    break;
                case 'u':
                    Set(PopToMark());
                    break;
                case 'p':
                    memo[(int)TextNumber(Line())] = Peek();
                    break;
                case 'q':
                    memo[Byte()] = Peek();
                    break;
                case 'r':
                    memo[BinaryPrimitives.ReadInt32LittleEndian(Take(4))] = Peek();
                    break;
                case '\x94':
                    memo[memo.Count] = Peek();
                    break;
                case 'g':
                    stack.Add(Remembered((int)TextNumber(Line())));
                    break;
                case 'h':
                    stack.Add(Remembered(Byte()));
                    break;
                case 'j':
                    stack.Add(Remembered(BinaryPrimitives.ReadInt32LittleEndian(Take(4))));
                    break;
                case 'c':
                    stack.Add(TorchGlobals.Find(Line(), Line()));
                    break;
                case '\x93':
                    object?[] named = PopLast(2);
                    stack.Add(TorchGlobals.Find(named[0] as string ?? "", named[1] as string ?? ""));
                    break;
                case 'R':
                    object?[] call = PopLast(2);
                    stack.Add(TorchGlobals.Call(call[0], call[1] as object?[] ?? throw Broken(place, "a call without arguments")));
                    break;
                case 'b':
                    // The state of an ordered dictionary is its _metadata: versions of modules, of no use here.
                    Pop();
                    if (Peek() is not PickledDictionary)
                        throw Broken(place, "the state of an object that is not a dictionary");
                    break;
                case 'Q':
                    stack.Add(persistent(Pop()));
                    break;
                default:
                    throw Broken(place, $"the operation 0x{code:x2}");
            }
        }
    }

    private void Append(object?[] items)
    {
        if (Peek() is not List<object?> list)
            throw Broken(at, "items appended to something that is not a list");
        list.AddRange(items);
    }

    private void Set(object?[] pairs)
    {
        if (Peek() is not PickledDictionary dictionary)
            throw Broken(at, "items set on something that is not a dictionary");
        dictionary.Add(pairs);
    }

    private object?[] PopToMark()
    {
        int mark = stack.LastIndexOf(Mark);
        if (mark < 0)
            throw Broken(at, "a missing mark");
        object?[] items = [.. stack.Skip(mark + 1)];
        stack.RemoveRange(mark, stack.Count - mark);
        return items;
    }

    private object?[] PopLast(int count)
    {
        if (stack.Count < count)
            throw Broken(at, "an empty stack");
        object?[] items = [.. stack.Skip(stack.Count - count)];
        stack.RemoveRange(stack.Count - count, count);
        return items;
    }

    private object? Pop() => PopLast(1)[0];

    private object? Peek() => stack.Count > 0 ? stack[^1] : throw Broken(at, "an empty stack");

    private object? Remembered(int key) => memo.TryGetValue(key, out object? value) ? value : throw Broken(at, $"an unknown memo {key}");

    private byte Byte() => Take(1)[0];

    private void Skip(int count) => Take(count);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > data.Length - at)
            throw Broken(at, "an end of file within a value");
        at += count;
        return data.AsSpan(at - count, count);
    }

    private int Length(ulong length) => length <= (ulong)(data.Length - at) ? (int)length : throw Broken(at, $"a length of {length} beyond the file");

    private string Utf8(int length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        int end = Array.IndexOf(data, (byte)'\n', at);
        if (end < 0)
            throw Broken(at, "an unfinished line");
        string line = Encoding.UTF8.GetString(data, at, end - at);
        at = end + 1;
        return line;
    }

    private long TextNumber(string text) => text is "01" or "00"
        ? text[1] - '0'
        : long.TryParse(text.TrimEnd('L'), CultureInfo.InvariantCulture, out long value) ? value : throw Broken(at, $"the number '{text}'");

    // Little-endian two's complement; what does not fit 64 bits (PyTorch's magic number) is only ever compared.
    private static long Long(ReadOnlySpan<byte> bytes)
    {
        long value = bytes.Length > 0 && (bytes[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private static ImportException Broken(int place, string what) =>
        new($"the pickle holds {what} at byte {place}: it is damaged, or no PyTorch checkpoint");
}

/// <summary>A dictionary of a pickle, in its order.</summary>
internal sealed class PickledDictionary
{
    public List<KeyValuePair<string, object?>> Items { get; } = [];

    public void Add(object?[] pairs)
    {
        for (int i = 0; i + 1 < pairs.Length; i += 2)
            Items.Add(new(pairs[i]?.ToString() ?? "", pairs[i + 1]));
    }
}
