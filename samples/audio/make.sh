#!/usr/bin/env bash
# Makes every clip in this folder again, from nothing: voices by espeak-ng, everything else by sox.
# It installs nothing. Vorbis streams carry a random serial number, so their bytes change each time.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
command -v espeak-ng > /dev/null || missing+=(espeak-ng)
command -v sox > /dev/null || missing+=(sox libsox-fmt-all)
if [ ${#missing[@]} -gt 0 ]; then
    echo "make.sh: needs ${missing[*]}: apt-get install ${missing[*]}" >&2
    exit 69
fi

# say FOLDER VOICE PITCH SPEED, eight sentences on standard input.
say() {
    local folder=voices/$1 number=0 sentence
    mkdir -p "$folder"
    while IFS= read -r sentence; do
        number=$((number + 1))
        espeak-ng -v "$2" -p "$3" -s "$4" --stdout "$sentence" |
            sox -q -t wav - -r 16000 -C 2 "$folder/$(printf %02d $number).ogg" \
                vol 0.8 silence 1 0.02 0.1% reverse silence 1 0.02 0.1% reverse pad 0.1 0.1
    done
}

rm -rf voices events tones stereo

say en-gb en-gb 42 165 << 'TEXT'
The kettle is already on the stove.
Leave the blue umbrella by the door.
Seven boats came back before the rain.
She never liked the taste of ginger.
Our train stops at every village.
Please write the number on the wall.
A grey cat sleeps behind the shed.
Tomorrow we will paint the kitchen.
TEXT
say en-us-f3 en-us+f3 55 170 << 'TEXT'
My brother fixed the old radio.
There is fresh bread on the table.
Turn left after the second bridge.
The children counted nine red kites.
He forgot his glasses at the office.
Snow covered half of the valley.
Bring two chairs into the garden.
Nobody heard the phone last night.
TEXT
say de-m3 de+m3 38 160 << 'TEXT'
Der Zug nach Hause ist heute pünktlich.
Auf dem Tisch liegt ein grüner Apfel.
Wir gehen am Abend noch spazieren.
Die Nachbarn haben einen kleinen Hund.
Bitte mach das Fenster wieder zu.
Im Winter friert der See oft zu.
Das Buch hat mehr als tausend Seiten.
Morgen backt sie einen Kuchen.
TEXT
say fr-m4 fr+m4 50 165 << 'TEXT'
Le marché ouvre à huit heures.
Il a perdu son chapeau dans le parc.
Nous mangeons souvent du poisson.
La porte du jardin reste ouverte.
Elle apprend à jouer du violon.
Le vent souffle très fort ce soir.
Mon voisin répare une vieille moto.
Deux oiseaux chantent sur le toit.
TEXT
say es-f2 es+f2 60 170 << 'TEXT'
La lluvia llegó antes del mediodía.
Mi hermana trabaja en la biblioteca.
El café de la esquina cierra tarde.
Compramos naranjas en el mercado.
Los niños juegan cerca del río.
Hay una carta debajo de la puerta.
Esta noche veremos las estrellas.
El perro duerme junto al fuego.
TEXT
say it-f5 it+f5 48 160 << 'TEXT'
Il mare oggi è molto tranquillo.
Abbiamo trovato una chiave vecchia.
Mio nonno coltiva pomodori.
La finestra dà sulla piazza.
Domani prendiamo il primo treno.
Il pane caldo profuma tutta la casa.
Lei suona il pianoforte ogni sera.
Tre gatti dormono sul muro.
TEXT
say sv-croak sv+croak 45 165 << 'TEXT'
Båten ligger kvar vid bryggan.
Vi plockade blåbär hela dagen.
Klockan på väggen går för fort.
Han glömde sina handskar på bussen.
Solen går ner bakom berget.
Min syster bakar gott bröd.
Det finns en stig genom skogen.
I morgon ska vi måla huset.
TEXT
say pt-m7 pt+m7 35 170 << 'TEXT'
O barco voltou antes da tempestade.
A minha tia faz um bolo de laranja.
Esquecemos as chaves no escritório.
O gato preto dorme na janela.
Amanhã vamos caminhar na praia.
A música vem da casa ao lado.
Ele lê o jornal todas as manhãs.
Choveu muito durante a noite.
TEXT

# tone FILE SYNTH...: 16 kHz, one channel, 16 bits, no dither.
tone() {
    local file=$1
    shift
    mkdir -p "$(dirname "$file")"
    sox -q -D -R -r 16000 -n -c 1 -b 16 "$file" synth "$@"
}

tone events/beep/01.flac 0.3 sine 800 vol 0.5 fade q 0.01 0.3 0.01 pad 0.2 0.5
tone events/beep/02.flac 0.2 sine 1200 vol 0.4 fade q 0.01 0.2 0.01 pad 0.4 0.4
tone events/beep/03.flac 0.4 square 600 vol 0.2 fade q 0.01 0.4 0.01 pad 0.3 0.3
tone events/sweep/01.flac 0.6 sine 300-3000 vol 0.5 fade q 0.02 0.6 0.02 pad 0.2 0.2
tone events/sweep/02.flac 0.6 sine 4000-500 vol 0.4 fade q 0.02 0.6 0.02 pad 0.1 0.3
tone events/sweep/03.flac 0.8 sine 200-6000 vol 0.3 fade q 0.02 0.8 0.02 pad 0.1 0.1
tone events/noise-burst/01.flac 0.2 whitenoise vol 0.3 fade q 0.01 0.2 0.1 pad 0.3 0.5
tone events/noise-burst/02.flac 0.3 pinknoise vol 0.5 fade q 0.01 0.3 0.1 pad 0.2 0.5
tone events/noise-burst/03.flac 0.25 brownnoise vol 0.6 fade q 0.01 0.25 0.1 pad 0.4 0.35
tone events/click-train/01.flac 0.002 square 500 vol 0.6 pad 0 0.098 repeat 9
tone events/click-train/02.flac 0.003 square 700 vol 0.5 pad 0 0.147 repeat 6
tone events/click-train/03.flac 0.001 whitenoise vol 0.8 pad 0 0.049 repeat 19
tone tones/440hz.flac 0.5 sine 440 vol 0.5
tone tones/1000hz.flac 0.5 sine 1000 vol 0.5

mkdir -p stereo
sox -q -D -R -r 44100 -n -c 2 -b 16 stereo/440hz-880hz.flac \
    synth 0.5 sine 440 sine 880 vol 0.5

echo "made $(find voices events tones stereo -type f | wc -l) clips, $(du -sh --apparent-size . | cut -f1)"
