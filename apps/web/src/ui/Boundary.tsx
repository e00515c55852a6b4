import { Component, type ReactNode } from "react";

import { Problem } from "./parts";

interface State {
  error?: Error;
}

/** Shows the error of what fails to be drawn, in place of it. */
export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = {};

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? (
      this.props.children
    ) : (
      <Problem error={error} onRetry={() => this.setState({ error: undefined })} />
    );
  }
}
