/** Says in words why what somebody asks for is not done now. */
export class Refused extends Error {
  /** That of the HTTP reply. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
