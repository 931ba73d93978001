using Apache.Arrow;
using Apache.Arrow.Types;

namespace FlowRows.Arrow;

/// <summary>Arrow's dates and times in the types that other formats are written from, which know the years 1 to 9999.</summary>
internal static class ArrowTimes
{
    private static readonly int EpochDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    /// <exception cref="RowFault">The date lies in no such year.</exception>
    public static DateOnly Date(Date32Array array, int row)
    {
        long day = (long)EpochDay + array.GetValue(row)!.Value;
        return day >= DateOnly.MinValue.DayNumber && day <= DateOnly.MaxValue.DayNumber ? DateOnly.FromDayNumber((int)day) : throw Outside();
    }

    /// <exception cref="RowFault">The time lies in no such year.</exception>
    public static DateTimeOffset Moment(TimestampArray array, int row)
    {
        Int128 value = array.GetValue(row)!.Value, ticks = DateTime.UnixEpoch.Ticks + ((TimestampType)array.Data.DataType).Unit switch
        {
            TimeUnit.Second => value * TimeSpan.TicksPerSecond,
            TimeUnit.Millisecond => value * TimeSpan.TicksPerMillisecond,
            TimeUnit.Microsecond => value * TimeSpan.TicksPerMicrosecond,
            _ => value / TimeSpan.NanosecondsPerTick,
        };
        return ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks ? new DateTimeOffset((long)ticks, TimeSpan.Zero) : throw Outside();
    }

    private static RowFault Outside() => new(RowFaultKind.NotAcceptable,
        "keep: a date outside the years 1 to 9999 can be passed on as Arrow alone; ask for application/vnd.apache.arrow.stream");
}
