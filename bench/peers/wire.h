/* A connection of the load: a socket, and with -DTLS the TLS on it. Receiving never blocks; EAGAIN says that nothing is there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifdef TLS

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct wire {
  int fd;
  SSL *ssl;
};

static SSL_CTX *tls_context(void) {
  static SSL_CTX *context;
  if (context == NULL && (context = SSL_CTX_new(TLS_client_method())) != NULL) {
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }
  return context;
}

static void tls_fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, ERR_error_string(ERR_get_error(), NULL));
  exit(1);
}

static inline void wire_open(struct wire *wire, int fd) {
  wire->fd = fd;
  wire->ssl = SSL_new(tls_context());
  if (wire->ssl == NULL || SSL_set_fd(wire->ssl, fd) != 1 || SSL_connect(wire->ssl) != 1) tls_fail("TLS handshake");
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) tls_fail("fcntl");
}

static inline ssize_t wire_send(struct wire *wire, const void *bytes, size_t length) {
  int sent = SSL_write(wire->ssl, bytes, (int)length);
  if (sent <= 0) tls_fail("SSL_write");
  return sent;
}

static inline ssize_t wire_receive(struct wire *wire, void *bytes, size_t length) {
  int got = SSL_read(wire->ssl, bytes, (int)length);
  if (got > 0) return got;
  int error = SSL_get_error(wire->ssl, got);
  if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SYSCALL && errno == 0)) return 0;
  if (error == SSL_ERROR_SSL) tls_fail("SSL_read");
  if (error == SSL_ERROR_WANT_READ) errno = EAGAIN;
  return -1;
}

/* Whether bytes have come out of the socket that were not asked for yet: epoll knows nothing of them. */
static inline int wire_pending(struct wire *wire) {
  return SSL_pending(wire->ssl) > 0;
}

#else

struct wire {
  int fd;
};

static inline void wire_open(struct wire *wire, int fd) {
  wire->fd = fd;
}

static inline ssize_t wire_send(struct wire *wire, const void *bytes, size_t length) {
  return send(wire->fd, bytes, length, MSG_NOSIGNAL);
}

static inline ssize_t wire_receive(struct wire *wire, void *bytes, size_t length) {
  return recv(wire->fd, bytes, length, 0);
}

static inline int wire_pending(struct wire *wire) {
  (void)wire;
  return 0;
}

#endif
