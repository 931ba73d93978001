using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using FlowRows.Scoring;

namespace FlowRows.Csv;

/// <summary>Some rows as CSV, whole but for a q-value in each: the bytes, where q-values belong among them, and the ranks that they follow from.</summary>
internal sealed class CsvGaps
{
    private const int Header = 2 * sizeof(int);

    private readonly byte[] header = new byte[Header];
    private Gap[] gaps = new Gap[1024];
    private byte[] text = [];
    private int count, length;

    /// <summary>A q-value belongs here.</summary>
    /// <param name="place">The bytes before it.</param>
    /// <param name="rank">Its rank; not finite where a row has none.</param>
    public void Add<T>(int place, T rank)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (count == gaps.Length)
            Array.Resize(ref gaps, 2 * count);
        gaps[count++] = new(place, T.IsFinite(rank) ? int.CreateTruncating(rank) : -1);
    }

    /// <summary>Lays these bytes aside, and forgets their gaps.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, Stream aside, CancellationToken cancellation)
    {
        BinaryPrimitives.WriteInt32LittleEndian(header, count);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(sizeof(int)), bytes.Length);
        await aside.WriteAsync(header, cancellation);
        await aside.WriteAsync(MemoryMarshal.AsBytes(gaps.AsSpan(0, count)).ToArray(), cancellation);
        await aside.WriteAsync(bytes, cancellation);
        count = 0;
    }

    /// <summary>Reads the next bytes that were laid aside, and their gaps; false at the end.</summary>
    public bool Read(Stream aside)
    {
        if (aside.ReadAtLeast(header, Header, throwOnEndOfStream: false) < Header)
            return false;
        count = BinaryPrimitives.ReadInt32LittleEndian(header);
        length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(sizeof(int)));
        gaps = gaps.Length < count ? new Gap[count] : gaps;
        text = text.Length < length ? new byte[length] : text;
        aside.ReadExactly(MemoryMarshal.AsBytes(gaps.AsSpan(0, count)));
        aside.ReadExactly(text.AsSpan(0, length));
        return true;
    }

    /// <summary>Writes what was read, with q-values in the gaps.</summary>
    public void Fill<T>(CsvText csv, QTexts<T> texts)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int at = 0;
        foreach (Gap gap in gaps.AsSpan(0, count))
        {
            csv.Raw(text.AsSpan(at, gap.Place - at), texts.Of(gap.Rank));
            at = gap.Place;
        }
        csv.Raw(text.AsSpan(at, length - at), []);
    }

    private readonly record struct Gap(int Place, int Rank);
}

/// <summary>The q-values of ranks as cells, each written once.</summary>
internal sealed class QTexts<T>(RankedRows ranked)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly byte[]?[] texts = new byte[]?[ranked.QValues.Length + 1];

    /// <summary>The cell of a rank; of a row that has none where it is -1.</summary>
    public ReadOnlySpan<byte> Of(int rank) => texts[rank + 1] ??= Written(rank);

    private byte[] Written(int rank)
    {
        var cell = new CsvText();
        NumberTexts<T>.WriteAnew(cell, rank < 0 ? T.NaN : T.CreateTruncating(ranked.QValues[rank]));
        return cell.Written.ToArray();
    }
}
