using FlowCore;

namespace FlowSound;

/// <summary>A sound, or a spectrogram, that cannot be taken: the message says what is wrong, and the remedy.</summary>
public sealed class SoundException(string message) : FlowException(message);
