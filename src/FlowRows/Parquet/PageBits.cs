namespace FlowRows.Parquet;

/// <summary>Whole numbers packed into bits: runs of them, and differences between them.</summary>
internal static class PageBits
{
    private const int MostBlock = 1 << 16;

    /// <summary>Numbers of some bits each, as runs of one number and as groups of eight (RLE / bit-packing hybrid).</summary>
    /// <param name="data">The bytes.</param>
    /// <param name="width">The bits of a number: at most 32.</param>
    /// <param name="target">As many numbers as are wanted.</param>
    /// <exception cref="RowFault">There are not so many.</exception>
    public static void Runs(ReadOnlySpan<byte> data, int width, Span<int> target)
    {
        if (width is < 0 or > 32)
            throw Damaged();
        int bytes = (width + 7) / 8, at = 0;
        for (int done = 0; done < target.Length;)
        {
            ulong header = Varint(data, ref at), left = (ulong)(target.Length - done);
            if ((header & 1) == 0)
            {
                int count = (int)Math.Min(header >> 1, left);
                int number = 0;
                for (int i = 0; i < bytes; i++)
                    number |= Taken(data, ref at, 1)[0] << (8 * i);
                if (width < 32 && number >> width != 0)
                    throw Damaged();
                target.Slice(done, count).Fill(number);
                done += count;
                continue;
            }
            int numbers = (int)Math.Min((header >> 1) * 8, left);
            // The last group may be cut short where its numbers end.
            int packed = (int)Math.Min((header >> 1) * (ulong)width, (ulong)(data.Length - at));
            if (header >> 1 > int.MaxValue || packed * 8L < (long)numbers * width)
                throw Damaged();
            for (int i = 0; i < numbers; i++)
                target[done + i] = (int)Bits(data[at..], (long)i * width, width);
            at += packed;
            done += numbers;
        }
    }

    /// <summary>Numbers as differences from the one before, in blocks of miniblocks (DELTA_BINARY_PACKED).</summary>
    /// <returns>The bytes that they take.</returns>
    /// <exception cref="RowFault">There are not as many as are wanted.</exception>
    public static int Deltas(ReadOnlySpan<byte> data, Span<long> target)
    {
        int at = 0;
        ulong block = Varint(data, ref at), minis = Varint(data, ref at), total = Varint(data, ref at);
        long value = Zigzag(data, ref at);
        if (block is 0 or > MostBlock || minis == 0 || minis > block || block % (minis * 8) != 0 || total != (ulong)target.Length)
            throw Damaged();
        int inMini = (int)(block / minis);
        if (target.Length > 0)
            target[0] = value;
        for (int done = 1; done < target.Length;)
        {
            long least = Zigzag(data, ref at);
            ReadOnlySpan<byte> widths = Taken(data, ref at, (int)minis);
            foreach (byte width in widths)
            {
                if (done == target.Length)
                    break;
                if (width > 64)
                    throw Damaged();
                ReadOnlySpan<byte> packed = Taken(data, ref at, inMini / 8 * width);
                int count = Math.Min(inMini, target.Length - done);
                for (int i = 0; i < count; i++)
                    target[done++] = value = unchecked(value + least + (long)Bits(packed, (long)i * width, width));
            }
        }
        return at;
    }

    private static ulong Bits(ReadOnlySpan<byte> data, long bit, int width)
    {
        ulong value = 0;
        int at = (int)(bit >> 3), shift = (int)(bit & 7);
        for (int got = 0; got < width; shift = 0, at++)
        {
            int taken = Math.Min(8 - shift, width - got);
            value |= (ulong)((data[at] >> shift) & ((1 << taken) - 1)) << got;
            got += taken;
        }
        return value;
    }

    private static long Zigzag(ReadOnlySpan<byte> data, ref int at)
    {
        ulong value = Varint(data, ref at);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private static ulong Varint(ReadOnlySpan<byte> data, ref int at)
    {
        ulong value = 0;
        for (int i = 0; i < 10; i++)
        {
            byte next = Taken(data, ref at, 1)[0];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw Damaged();
    }

    private static ReadOnlySpan<byte> Taken(ReadOnlySpan<byte> data, ref int at, int count)
    {
        if (count > data.Length - at)
            throw Damaged();
        at += count;
        return data.Slice(at - count, count);
    }

    private static RowFault Damaged() => ParquetFault.Damaged("a page does not hold the numbers that it claims");
}
