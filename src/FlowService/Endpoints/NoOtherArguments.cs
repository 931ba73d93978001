using FlowRows;
using FlowService.Errors;

namespace FlowService.Endpoints;

/// <summary>
/// Refuses what an administrator's call does not take, before it does anything: with a misspelt version, or one in a body, it would load or unload them all.
/// </summary>
/// <param name="known">What the query may hold.</param>
internal sealed class NoOtherArguments(params string[] known) : IEndpointFilter
{
    private const int MostBlanks = 64;

    private string Taken => known is [] ? "this call takes no arguments" : $"this call takes {string.Join(", ", known)}, in the query";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        HttpRequest request = context.HttpContext.Request;
        foreach (string name in request.Query.Keys)
            if (!known.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw new RequestException(ProblemKind.UnknownField, $"field '{name.Shown()}' is unknown here; {Taken}") { Field = name.Shown() };
        byte[] start = new byte[MostBlanks];
        int length = await request.Body.ReadAtLeastAsync(start, MostBlanks, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        ReadOnlySpan<byte> body = start.AsSpan(0, length).Trim(" \t\r\n"u8);
        if (!body.IsEmpty && !body.SequenceEqual("{}"u8)) // clients of JSON send an empty object for nothing
            throw new RequestException(ProblemKind.InvalidArgument, $"the body is not read; {Taken}");
        return await next(context);
    }
}
