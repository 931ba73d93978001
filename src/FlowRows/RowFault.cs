using FlowCore;

namespace FlowRows;

/// <summary>What is wrong with some rows, in one of a few words: whoever reads them says it in his own way (a status, an exit code).</summary>
internal enum RowFaultKind
{
    /// <summary>The bytes are not what their format says.</summary>
    InvalidBody,

    /// <summary>The bytes are not JSON.</summary>
    InvalidJson,

    /// <summary>A value is not a finite number.</summary>
    InvalidValue,

    /// <summary>A row has the wrong number of values.</summary>
    WrongWidth,

    /// <summary>A column that is wanted is not there.</summary>
    MissingColumn,

    /// <summary>A column is there that nobody asked for.</summary>
    UnknownColumn,

    /// <summary>A row has a category that the training rows do not have.</summary>
    UnseenCategory,

    /// <summary>The context does not fit the model or the rows.</summary>
    WrongContext,

    /// <summary>An argument is of the wrong type, out of range, or does not fit the rows.</summary>
    InvalidArgument,

    /// <summary>What is asked for by name is not on offer.</summary>
    UnsupportedInclude,

    /// <summary>What is asked for rests on a calibration, and the model has none.</summary>
    NotCalibrated,

    /// <summary>The format of the answer cannot carry what it is asked to.</summary>
    NotAcceptable,

    /// <summary>There are more rows than are taken.</summary>
    TooManyRows,

    /// <summary>There are more bytes than are taken.</summary>
    TooLarge,

    /// <summary>What must be laid aside finds no room: the rows are not at fault.</summary>
    NoSpace,
}

/// <summary>Rows that are refused: the message names the place and the remedy.</summary>
internal sealed class RowFault(RowFaultKind kind, string message) : FlowException(message)
{
    public RowFaultKind Kind { get; } = kind;

    /// <summary>The table, the column or the argument at fault.</summary>
    public string? Field { get; init; }

    /// <summary>The refusal of rows of which there is none.</summary>
    public static RowFault NoRows(string what, string? field = null) =>
        new(RowFaultKind.InvalidArgument, $"{what} holds no rows; send at least one") { Field = field };

    /// <summary>The refusal of rows none of which can be read, where those would be left out.</summary>
    public static RowFault NoneReadable(string field, string reason, long? ofFirst = null) =>
        new(RowFaultKind.InvalidValue, $"{field}: {(ofFirst is null ? "no row" : $"none of the first {ofFirst} rows")} can be read; the first reason: {reason}") { Field = field };

    /// <summary>The row at fault, counted from 0.</summary>
    public long? Row { get; init; }

    /// <summary>The column at fault, counted from 0.</summary>
    public int? Column { get; init; }
}
