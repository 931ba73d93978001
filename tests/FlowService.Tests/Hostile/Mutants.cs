using System.Buffers.Binary;

namespace FlowService.Tests.Hostile;

/// <summary>Bodies that are nearly good: every cut, and seeded damage of bits, lengths and pieces.</summary>
internal static class Mutants
{
    private static readonly long[] Extremes =
        [0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1000_0000, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40];

    private static readonly byte[][] Words =
        [.. ((string[])["1e999999999", "-0", "1e-400", "9223372036854775808", "18446744073709551616", "NaN", "null", "[[[[[[[[[[", "{\"", "\"\\ud800\"", "\0", "\uFEFF", "\"", "\n", ",", "'", "(", ")", "]", "}"]).Select(System.Text.Encoding.UTF8.GetBytes), .. (byte[][])[[0xFF, 0xFE], [0xFF, 0xFF, 0xFF, 0xFF], [0xC0, 0x80], new byte[64]]];

    /// <summary>Every beginning of a body but itself.</summary>
    public static IEnumerable<byte[]> Cuts(byte[] good) => Enumerable.Range(0, good.Length).Select(length => good[..length]);

    /// <summary>Every four and eight bytes that may be a length, set to the extremes.</summary>
    public static IEnumerable<byte[]> Lengths(byte[] good, int most)
    {
        for (int at = 0; at + 4 <= Math.Min(good.Length, most); at += 4)
            foreach (long extreme in Extremes)
            {
                byte[] body = (byte[])good.Clone();
                if (at % 8 == 0 && at + 8 <= good.Length && extreme is > uint.MaxValue or < int.MinValue)
                    BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(at), extreme);
                else
                    BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(at), (int)extreme);
                yield return body;
            }
    }

    /// <summary>So many bodies with damage of any kind, the same ones for a seed.</summary>
    public static IEnumerable<byte[]> Damaged(byte[] good, int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            var body = new List<byte>(good);
            for (int wounds = random.Next(1, 4); wounds > 0; wounds--)
                Damage(body, random);
            yield return [.. body];
        }
    }

    private static void Damage(List<byte> body, Random random)
    {
        int at = random.Next(body.Count + 1), length = Math.Min(random.Next(1, 17), body.Count - at);
        switch (random.Next(8))
        {
            case 0 when at < body.Count: body[at] ^= (byte)(1 << random.Next(8)); break;
            case 1 when at < body.Count: body[at] = (byte)random.Next(256); break;
            case 2: body.RemoveRange(at, length); break;
            case 3: body.InsertRange(at, body.GetRange(at, length)); break;
            case 4: body.InsertRange(at, Words[random.Next(Words.Length)]); break;
            case 5: body.RemoveRange(at, body.Count - at); break;
            case 6 when length >= 4:
                byte[] value = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(value, Extremes[random.Next(Extremes.Length)]);
                for (int i = 0; i < (length >= 8 ? 8 : 4); i++)
                    body[at + i] = value[i];
                break;
            default:
                byte[] noise = new byte[length];
                random.NextBytes(noise);
                body.InsertRange(at, noise);
                break;
        }
    }
}
