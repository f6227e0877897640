#!/bin/sh
# Makes the certificates of the tests, with OpenSSL: an authority, a server's
# certificate for localhost, and a client's; and a stranger's, from another
# authority of the same name. Valid from 2020 to 2120. The authorities' keys are
# thrown away. Run it in this folder.
set -eu
work=$(mktemp -d)
touch "$work/index.txt"
cat > "$work/config" <<END
[ca]
default_ca = test
[test]
dir = $work
database = $work/index.txt
new_certs_dir = $work
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
default_startdate = 20200101000000Z
default_enddate = 21200101000000Z
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:meerkat.test, IP:127.0.0.1, IP:::1
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = DNS:client.meerkat.test
END

# make NAME KEY SIGNING-OPTIONS...
make() {
  name=$1 key=$2
  shift 2
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key"
  openssl req -new -key "$key" -subj "/CN=Meerkat test $name" -out "$work/csr"
  openssl ca -config "$work/config" -batch -notext -in "$work/csr" \
    -extensions "$name" "$@"
}

make authority "$work/ca.key" -selfsign -keyfile "$work/ca.key" -out ca.pem
for name in server client; do
  make "$name" "$name.key.pem" -cert ca.pem -keyfile "$work/ca.key" -out "$name.pem"
done
make authority "$work/other.key" -selfsign -keyfile "$work/other.key" \
  -out "$work/other.pem"
make client stranger.key.pem -cert "$work/other.pem" \
  -keyfile "$work/other.key" -out stranger.pem
chmod 644 ./*.pem
rm -r "$work"
