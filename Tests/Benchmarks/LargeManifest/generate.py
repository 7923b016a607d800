"""Writes a manifest of many lines over 64 short recordings: LINES FOLDER."""
import math
import os
import random
import struct
import sys
import wave

count, folder = int(sys.argv[1]), sys.argv[2]
os.makedirs(folder + "/audio", exist_ok=True)
draw = random.Random(1)
durations = []
for index in range(64):
    samples = (2 + index % 14) * 16000 + index * 37
    durations.append(samples / 16000)
    with wave.open(f"{folder}/audio/{index:02d}.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"".join(
            struct.pack("<h", int(8000 * math.sin(n * 0.01 * (1 + index % 7)) + draw.randint(-2000, 2000)))
            for n in range(samples)))
with open(folder + "/manifest.jsonl", "w") as file:
    for line in range(count):
        index, speaker = line % 64, line % 20000
        file.write(
            '{"audio_filepath": "audio/%02d.wav", "duration": %.4f, '
            '"id": "corpus/speaker-%05d/utterance-%08d", "speaker": "speaker-%05d"}\n'
            % (index, durations[index], speaker, line, speaker))
