using FlowService.Errors;

namespace FlowService.OpenInference.Tensors;

/// <summary>The value of a parameter, as REST or gRPC brought it: a text, a flag, an integer, or another number; none of them for null.</summary>
internal readonly record struct ParameterValue(string? Text = null, bool? Flag = null, Int128? Integer = null, double? Number = null)
{
    /// <summary>Whether it says something: clients send 0, false and "" for what they do not ask for.</summary>
    public bool IsSet => Text is { Length: > 0 } || Flag is true || (Integer is { } integer && integer != 0) || (Number is { } number && number != 0);

    /// <exception cref="RequestException">It is something else.</exception>
    public Int128 IntegerOf(string name) => Integer ?? throw Wrong(name, "an integer of 64 bits");

    /// <exception cref="RequestException">It is something else.</exception>
    public bool FlagOf(string name) => Flag ?? throw Wrong(name, "true or false");

    private RequestException Wrong(string name, string expected) =>
        new(ProblemKind.InvalidArgument, $"{name} must be {expected}; it is {Kind}") { Field = name };

    private string Kind => this switch
    {
        { Text: not null } => "a string",
        { Flag: not null } => "a boolean",
        { Integer: not null } => "a number",
        { Number: not null } => "another number",
        _ => "null",
    };
}
